"""HTTP to a server or a gateway, and what a terminal believes of the answers. Source: docs/format.md §3.3, §7, §9."""

import urllib.error
import urllib.request
from http.client import HTTPException

import shapes as s
import statements
from cose import Signed
from primitives import H, equal
from strict_cbor import Refused, decode

MAIL_BYTES_MAX, MESSAGE_BYTES_MAX = 1024 * 1024, 513 * 1024
CONTENT_TYPE = 'application/cose; cose-type="cose-sign1"'
FROM_SERVER = ("pericard/receipt", "pericard/conflict", "pericard/rejected", "pericard/rewrap", "pericard/command")
_mail = s.array_of(0, 256, s.bstr(None))


class NotDelivered(Exception):
    """No 200 or 202 with mail. The terminal keeps everything."""


def read_mail(body):
    """The messages of a mail, none of them verified."""
    if len(body) > MAIL_BYTES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    messages = _mail(decode(body))
    if any(len(message) > MESSAGE_BYTES_MAX for message in messages):
        raise Refused("ERR_LENGTH_LIMIT")
    return messages


def post(target, message, wait_seconds=0):
    """Sends one signed message. Status code and the messages of the mail that came back."""
    url = target["url"].rstrip("/") + "/v1/messages" + (f"?waitSeconds={wait_seconds}" if wait_seconds else "")
    headers = {"Authorization": "Bearer " + target["token"], "Content-Type": CONTENT_TYPE}
    request = urllib.request.Request(url, data=message, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read(MAIL_BYTES_MAX + 1)
            if answer.status not in (200, 202):
                raise NotDelivered(f"status {answer.status}")
            return answer.status, read_mail(body)
    except urllib.error.HTTPError as error:
        raise NotDelivered(f"status {error.code}: {error.read(4096).decode('utf-8', 'replace')}") from None
    except (OSError, HTTPException, Refused) as error:
        raise NotDelivered(str(error)) from None


class Trust:
    """The server's keys, as far as statements signed under the pinned root say."""

    def __init__(self, root_pin, routing):
        self.root_pin = root_pin
        self.routing = routing
        self.known = {}

    def learn(self, message):
        """Takes a key statement; whether it was new. Source: docs/format.md §7.6."""
        if message in self.statements():
            return False
        signed = Signed(message)
        if signed.name != "pericard/key-statement":
            raise Refused("ERR_TYPE_MISMATCH")
        # The root's key stands in the payload and is believed for the pin's sake; nothing else is before it verifies.
        root = statements.read_statement("key-statement", signed.payload)[6]
        if not equal(H(root)[:16], self.root_pin) or signed.kid != H(root)[:8]:
            raise Refused("ERR_SIGNATURE_INVALID", "not of the pinned root")
        _, version, purpose, public, _, _, _ = statements.read_statement("key-statement", signed.verify(root))
        if version <= self.known.get(purpose, (-1,))[0]:
            return False
        self.known[purpose] = (version, public, message)
        return True

    def statements(self):
        """The newest key statement of each purpose, to be kept."""
        return [message for _, _, message in self.known.values()]

    def key(self, purpose):
        return self.known[purpose][1]

    def read(self, message):
        """Name and values of a statement of the server to this terminal, verified."""
        signed = Signed(message)
        if signed.name not in FROM_SERVER:
            raise Refused("ERR_TYPE_MISMATCH", "not of a server's receipt key")
        if signed.kid != H(self.key("receipt"))[:8]:
            raise Refused("ERR_SIGNATURE_INVALID", "unknown key")
        name = signed.name.removeprefix("pericard/")
        values = statements.read_statement(name, signed.verify(self.key("receipt")))
        if values[1] != self.routing:
            raise Refused("ERR_FIELD_RANGE", "of another terminal")
        return name, values
