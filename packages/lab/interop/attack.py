#!/usr/bin/python3
"""An outsider's attack on a server: changed, spliced, replayed and badly made messages, none of which may be taken.

    attack.py --folder DIR --other DIR --url URL --token TOKEN --count N [--seed N]

`--folder` and `--other` are terminals of the same server whose journals are empty. What a thief of the first one's keys could
sign and seal is tried too. What the server says is compared with what docs/format.md says that it must say.
Prints one JSON object; ends with 1 when a message was taken, misjudged or not answered.
"""

import argparse
import http.client
import json
import random
import sys
import urllib.parse
from collections import Counter

import mutations
import segment
import statements
from cose import Signed
from delivery import Delivery
from hpke import raw
from mutations import change
from predict import Registry, code_of
from primitives import H
from recorder import Terminal
from source import ShortSource
from strict_cbor import encode
from uplink import CONTENT_TYPE, MAIL_BYTES_MAX, read_mail

SEGMENTS_PER_ENVELOPE = 16
KEPT_MAX = 10
# What an envelope can fail with once its form and signature are right.
INSIDE = {
    "ERR_SHARED_SECRET", "ERR_SEAL_BROKEN", "ERR_KEY_COMMITMENT", "ERR_PADDING_MALFORMED", "ERR_MESSAGE_REFUSED",
    "ERR_CBOR_MALFORMED", "ERR_FIELD_RANGE",
}  # fmt: skip


class Attack:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.terminal, self.other = Terminal(options.folder), Terminal(options.other)
        for one in (self.terminal, self.other):
            one.public = raw(one.module.sign_key.public_key())
            one.provision.targets = [{"url": options.url, "token": options.token}]
        self.registry = Registry([self.terminal, self.other])
        self.forge = mutations.Forge(self.random, self.terminal, self.other)
        url = urllib.parse.urlsplit(options.url)
        self.http = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.headers = {"Authorization": "Bearer " + options.token, "Content-Type": CONTENT_TYPE}
        self.kinds, self.codes, self.faults = Counter(), Counter(), []
        self.known, self.taken = set(), 0

    # What the server has before

    def begin(self):
        """Stores a recording of each terminal, and makes the messages that are changed afterwards."""
        self.segments = self._upload(self.terminal)
        self.foreign = self._upload(self.other)
        self.envelope = self.forge.envelope(self.segments[:2])
        routing = self.terminal.provision.routing
        contact = self.terminal.counters.take_contact()
        status = [1, routing, contact, bytes(8), 1000, None, 0, 0, 0, 1 << 20, 0, 0, 10_000, 0, 0, 9, []]
        gap = [1, routing, self.random.randbytes(16), 0, 7, "unreadable", bytes(8), 2000]
        self.statements = {"status": status, "gap": gap}
        self.signed = {
            "envelope": self.forge.sign("pericard/envelope", self.envelope),
            "status": self.forge.sign("pericard/status", encode(status)),
            "gap": self.forge.sign("pericard/gap", encode(gap)),
        }
        self.known |= {H(one) for one in [*self.segments, self.signed["gap"]]}
        for name, message in self.signed.items():
            if self._send(message)[0] != 200:
                raise RuntimeError(f"{name} was not taken when it was right")

    def _upload(self, terminal):
        sealed = terminal.record(ShortSource(), self.random.randbytes(16), "lead-residual")
        if not Delivery(terminal).deliver():
            raise RuntimeError("a recording was not taken when it was right")
        return sealed

    # Sending

    def _send(self, body):
        self.http.request("POST", "/v1/messages", body, self.headers)
        answer = self.http.getresponse()
        return answer.status, answer.read(MAIL_BYTES_MAX + 1)

    def _fault(self, kind, why, body):
        if len(self.faults) < KEPT_MAX:
            self.faults.append({"kind": kind, "why": why, "bodyHex": body.hex()[:20_000]})

    def _try(self, kind, body, judge):
        """Sends a body. `judge(status, code, statements)` gives what is wrong with the answer, or None."""
        status, answer = self._send(body)
        said, code = [], None
        if status == 200:
            said = [self._hear(message) for message in read_mail(answer)]
            self._count_taken(kind, said, body)
        else:
            code = json.loads(answer)["code"]
            self.codes[f"{status} {code}"] += 1
        wrong = judge(status, code, said)
        if wrong:
            self._fault(kind, wrong, body)

    def _hear(self, message):
        """Name and values of a statement; of a key statement the name alone."""
        if Signed(message).name != "pericard/key-statement":
            return self.terminal.trust.read(message)
        self.terminal.trust.learn(message)
        return "key-statement", None

    def _try_code(self, kind, body, wanted):
        self._try(kind, body, lambda status, code, _: code != wanted and f"expected {wanted}, got {status} {code}")

    def _count_taken(self, kind, said, body):
        for name, values in said:
            if name == "receipt" and not set(values[4]) <= self.known:
                self.taken += 1
                self._fault(kind, "receipt for what is not known", body)
            self.codes[f"200 {name} {values[3] if name == 'rejected' else ''}".strip()] += 1

    # Attacks: each gives how many changed messages or segments it sent

    def on_the_path(self):
        """Whoever carries messages: no key at all."""
        name = self.random.choice(sorted(self.signed))
        body = change(self.random, self.signed[name], [*self.signed.values(), *self.segments, *self.foreign])
        wanted = self.registry.message(body)
        self._try_code(f"path: {name}", body, wanted)
        self.kinds["on the path"] += 1

    def signed_anew(self):
        """A COSE_Encrypt changed byte by byte, under a right signature."""
        payload = change(self.random, self.envelope, [self.envelope, *self.segments])
        self._inside("signed anew", self.forge.sign("pericard/envelope", payload))

    def rule_broken(self):
        """An envelope made with all keys, in which one rule is broken."""
        name, payload = self.forge.broken(self.segments[:1])
        self._inside(f"rule: {name}", self.forge.sign("pericard/envelope", payload))

    def _inside(self, kind, body):
        wanted = self.registry.message(body)

        def judge(status, code, said):
            if wanted is not None:
                return code != wanted and f"expected {wanted}, got {status} {code}"
            refused = [values for name, values in said if name == "rejected"]
            fits = len(said) == len(refused) == 1 and refused[0][4] is not None and refused[0][3] in INSIDE
            # A change may have hit the id of the server's key.
            fits = fits or [name for name, _ in said] == ["key-statement", "rewrap"]
            return None if fits else f"expected a rejected envelope, got {status} {code} {said}"

        self._try(kind, body, judge)
        self.kinds[kind.split(":")[0]] += 1

    def bad_segments(self):
        """A right envelope of segments that are not: changed, another terminal's, of other fields, of another body."""
        sealed = []
        while len(sealed) < SEGMENTS_PER_ENVELOPE:
            one = self.random.choice(self._segment_attacks)(self)
            if self.registry.segment(self.terminal, one) is not None and one not in sealed:
                sealed.append(one)
        wanted = {H(one): self.registry.segment(self.terminal, one) for one in sealed}
        body = self.forge.sign("pericard/envelope", self.forge.envelope(sealed))

        def judge(status, code, said):
            found = {h: values[3] for name, values in said if name == "rejected" for h in values[5]}
            wrong = {h.hex(): (wanted[h], found.get(h)) for h in wanted if wanted[h] != found.get(h)}
            return wrong and f"{status} {code}: expected and got {wrong}"

        self._try("segments", body, judge)
        self.kinds["segments"] += len(sealed)

    def _changed_segment(self):
        return change(self.random, self.random.choice(self.segments), [*self.segments, *self.foreign])

    def _foreign_segment(self):
        return self.random.choice((self.random.choice(self.foreign), self._changed_foreign()))

    def _changed_foreign(self):
        return change(self.random, self.random.choice(self.foreign), self.segments)

    def _other_fields(self):
        draw = self.random
        fields = draw.choice((
            {"suite": 0}, {"suite": 2}, {"tenant": draw.randbytes(16)}, {"terminal": self.other.module.serial},
            {"stream": draw.randrange(1, 300)}, {"index": draw.randrange(120, 1000)}, {"sequence": 1 << 32},
            {"prev": draw.randbytes(31)}, {"final": draw.randrange(2)}, {"use": -1}, {"cycle": draw.randrange(1, 1000)},
        ))  # fmt: skip
        return self.forge.reseal(draw.choice(self.segments), fields)

    def _other_body(self):
        header, _, _ = segment.parse_segment(self.segments[0])
        named = dict(zip(segment.FIELD_NAMES, header))
        key = self.terminal.module.group_key(named["tenant"], "storage", named["cycle"], named["index"])
        _, plain = segment.open_segment(key, self.segments[0])
        return self.forge.reseal(self.segments[0], body=change(self.random, plain, [plain, *self.segments]))

    _segment_attacks = (_changed_segment, _foreign_segment, _other_fields, _other_body)

    def bad_statement(self):
        """A statement signed by the terminal itself whose payload is none, or whose type is not a terminal's."""
        draw = self.random
        name = draw.choice(("status", "gap"))
        payload = change(draw, encode(self.statements[name]), [encode(one) for one in self.statements.values()])
        if code_of(statements.read_statement, name, payload) is None:
            # Still a statement, which a terminal may send: not as one of the server's types.
            name = draw.choice(("receipt", "conflict", "rejected", "command", "key-statement"))
        body = self.forge.sign("pericard/" + name, payload)
        wanted = self.registry.message(body)
        self._try_code("statement", body, wanted)
        self.kinds["statements"] += 1

    def replay(self):
        """What was taken before, as it was, and its segments in another envelope."""
        again = self.forge.sign("pericard/envelope", self.forge.envelope(self.random.sample(self.segments, 2)))
        body = self.random.choice([*self.signed.values(), again])

        def judge(status, code, said):
            if body == self.signed["status"]:
                return code != "ERR_STATUS_REPLAYED" and f"a replayed status got {status} {code}"
            return [name for name, _ in said] != ["receipt"] and f"a replay got {status} {code} {said}"

        self._try("replay", body, judge)
        self.kinds["replays"] += 1

    def run(self, count):
        self.begin()
        attacks = (
            self.on_the_path, self.on_the_path, self.on_the_path, self.signed_anew, self.rule_broken, self.bad_segments,
            self.bad_statement, self.replay,
        )  # fmt: skip
        while sum(self.kinds.values()) < count:
            self.random.choice(attacks)()


def main():
    parser = argparse.ArgumentParser(description="attack a server with messages that it must not take")
    for name in ("folder", "other", "url", "token"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    attack = Attack(options)
    attack.run(options.count)
    attack.terminal.journal.close()
    attack.other.journal.close()
    answers = dict(sorted(attack.codes.items()))
    print(json.dumps({"kinds": attack.kinds, "answers": answers, "taken": attack.taken, "faults": attack.faults}))
    return 1 if attack.taken or attack.faults else 0


if __name__ == "__main__":
    sys.exit(main())
