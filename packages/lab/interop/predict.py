"""What a server says of a message, from docs/format.md alone. A code, or None for what it takes."""

import envelope
import segment
import statements
from cose import Signed
from strict_cbor import Refused

ENVELOPE_BYTES_MAX = 20 * 1024 * 1024

# docs/format.md §5.1
STREAMS_PER_RECORDING = 16


def code_of(read, *given):
    try:
        read(*given)
        return None
    except Refused as refused:
        return refused.code


class Registry:
    """The terminals that a server knows, by routing id."""

    def __init__(self, terminals):
        self.known = {terminal.provision.routing: terminal for terminal in terminals}

    def message(self, body):
        """The code of a whole message; None when the answer is up to its contents."""
        return code_of(self._read_message, body)

    def _read_message(self, body):
        if len(body) > ENVELOPE_BYTES_MAX:
            raise Refused("ERR_LENGTH_LIMIT")
        message = Signed(body)
        terminal = self.known.get(message.kid)
        if terminal is None:
            raise Refused("ERR_TERMINAL_UNKNOWN")
        payload = message.verify(terminal.public)
        name = message.name.removeprefix("pericard/")
        if name == "envelope":
            routing = envelope.parse_envelope(payload)["header"]["routing"]
        elif name in ("status", "gap"):
            routing = statements.read_statement(name, payload)[1]
        else:
            raise Refused("ERR_MESSAGE_REFUSED")
        if routing != message.kid:
            raise Refused("ERR_MESSAGE_REFUSED")

    def segment(self, terminal, sealed):
        """The code of one segment in an envelope of `terminal`."""
        return code_of(self._read_segment, terminal, sealed)

    def _read_segment(self, terminal, sealed):
        fields, _, _ = segment.parse_segment(sealed)
        named = dict(zip(segment.FIELD_NAMES, fields))
        mine = (terminal.provision.tenant, terminal.module.serial)
        if (named["tenant"], named["terminal"]) != mine or named["stream"] >= STREAMS_PER_RECORDING:
            raise Refused("ERR_MESSAGE_REFUSED")
        key = terminal.module.group_key(named["tenant"], "storage", named["cycle"], named["index"])
        segment.read_body(segment.open_segment(key, sealed)[1])
