"""From the journal to a receipt: envelopes out, statements in, and what each does. Source: docs/format.md §6, §7, §9."""

import os
import time

import segment
import statements
from cose import Signed, sign
from envelope import seal_envelope
from folder import GAP, ITEM
from primitives import H
from strict_cbor import Refused, encode
from uplink import NotDelivered, post

SEGMENTS_MAX, ENVELOPE_BYTES = 64, 8 * 1024 * 1024
JOURNAL_LIMIT_BYTES = 512 * 1024 * 1024


def batches(items):
    """Groups of sealed segments that fit an envelope."""
    group, size = [], 0
    for h, sealed in items:
        if group and (len(group) == SEGMENTS_MAX or size + len(sealed) > ENVELOPE_BYTES):
            yield group
            group, size = [], 0
        group.append((h, sealed))
        size += len(sealed)
    if group:
        yield group


class Delivery:
    """One terminal's uploads. `told` counts what happened."""

    def __init__(self, parts):
        self.parts = parts
        self.boot_id = os.urandom(8)
        self.sent = {}
        self.alone = set()
        self.told = {
            "answers": [], "receipted": [], "copies": 0, "conflicts": [], "rejected": [], "commands": [], "rewraps": [],
            "keyStatements": 0, "ignoredMail": 0,
        }  # fmt: skip

    # Out

    def _post(self, message, wait_seconds=0):
        """Tries the targets in order."""
        problems = []
        for target in self.parts.provision.targets:
            try:
                status, mail = post(target, message, wait_seconds)
            except NotDelivered as problem:
                problems.append(f"{target['url']}: {problem}")
                continue
            self.told["answers"].append(status)
            for one in mail:
                self._hear(one)
            return
        raise NotDelivered("; ".join(problems))

    def _send_envelope(self, group):
        parts = self.parts
        cycle, index = parts.counters.cycle, parts.counters.index
        transport = parts.module.group_key(parts.provision.tenant, "transport", cycle, index)
        hpke_public = parts.trust.key("hpke")
        routing = parts.provision.routing
        payload, envelope_id = seal_envelope(
            hpke_public, H(hpke_public)[:8], transport, cycle, index, routing, [sealed for _, sealed in group]
        )
        self.sent[envelope_id] = [h for h, _ in group]
        self._post(sign(parts.module.sign_key, routing, "pericard/envelope", payload))

    def send_status(self, wait_seconds=0):
        """Says that the terminal is there, and fetches mail."""
        parts = self.parts
        c, journal = parts.counters, parts.journal
        contact = c.take_contact()
        head = parts.state.head
        heads = [[*head[:5], False]] if head else []
        values = [
            1, parts.provision.routing, contact, self.boot_id, int(time.monotonic() * 1000), int(time.time() * 1000),
            parts.state.mail_seen, len(journal.pending), sum(len(one[1]) for one in journal.pending.values()),
            JOURNAL_LIMIT_BYTES, len(journal.quarantined), c.policy_version, 10_000, c.cycle, c.index, c.use, heads,
        ]  # fmt: skip
        payload = encode(statements.SHAPES["status"](values))
        self._post(sign(parts.module.sign_key, parts.provision.routing, "pericard/status", payload), wait_seconds)

    def deliver(self, attempts=20, wait_seconds=2):
        """Sends what is pending until all of it is receipted or set aside. Whether it is."""
        journal, tried = self.parts.journal, set()
        for _ in range(attempts):
            waiting = [(h, item) for h, item in journal.pending.items() if h not in tried]
            segments = [(h, item[1]) for h, item in waiting if item[0] == ITEM]
            together = [one for one in segments if one[0] not in self.alone]
            groups = [*batches(together), *([one] for one in segments if one[0] in self.alone)]
            tried |= {h for h, _ in waiting}
            before = set(self.alone)
            for group in groups:
                self._send_envelope(group)
            for _, item in waiting:
                if item[0] == GAP:
                    self._post(item[1])
            tried -= self.alone - before
            if not journal.pending:
                return True
            if not groups:
                self.send_status(wait_seconds)
        return False

    # In

    def _hear(self, message):
        """One message of a mail. One that does not verify touches nothing."""
        try:
            if Signed(message).name == "pericard/key-statement":
                self.told["keyStatements"] += self.parts.learn_key(message)
                return
            name, values = self.parts.trust.read(message)
        except Refused:
            self.told["ignoredMail"] += 1
            return
        {
            "receipt": self._receipt, "conflict": self._conflict, "rejected": self._rejected, "command": self._command,
            "rewrap": self._rewrap,
        }[name](values)  # fmt: skip

    def _receipt(self, values):
        """Marks exactly what is listed and is here."""
        _, _, _, copies, hashes = values
        journal = self.parts.journal
        mine = [h for h in hashes if h in journal.pending or h in journal.quarantined]
        if mine:
            journal.mark(mine)
            self.told["copies"] = copies
            self.told["receipted"] += [h.hex() for h in mine]

    def _conflict(self, values):
        """Seals the samples anew, alone in a recording whose id follows from h, so that doing it twice doubles nothing."""
        _, _, _, h, recording, stream, sequence, cause = values
        if self.parts.journal.pending.get(h, (None,))[0] != ITEM:
            return
        anew = H(b"pericard/conflict" + h)[:16]
        self.parts.reseal(h, anew)
        self.told["conflicts"].append(
            {"recording": recording.hex(), "stream": stream, "sequence": sequence, "cause": cause, "anew": anew.hex()}
        )

    def _rejected(self, values):
        """An envelope is tried again segment by segment; segments are set aside, and the queue moves on."""
        _, _, _, code, envelope_id, hashes = values
        carried = self.sent.get(envelope_id, []) if envelope_id is not None and not hashes else []
        journal = self.parts.journal
        meant = [h for h in [*hashes, *carried] if h in journal.pending]
        if len(carried) > 1:
            self.alone |= set(meant)
            return
        for h in meant:
            if journal.pending[h][0] == ITEM:
                self._state_gap(journal.pending[h][1])
            journal.quarantine(h, code)
            self.told["rejected"].append({"h": h.hex(), "code": code})

    def _rewrap(self, values):
        """What the envelope carried is sealed to the newest key when it is sent again, which the next attempt does."""
        self.told["rewraps"].append(values[4].hex())

    def _state_gap(self, sealed):
        """Closes the place of a segment that goes to quarantine."""
        parts = self.parts
        header = dict(zip(segment.FIELD_NAMES, segment.parse_segment(sealed)[0]))
        place = [header["recording"], header["stream"], header["sequence"]]
        routing = parts.provision.routing
        values = [1, routing, *place, "quarantined", self.boot_id, int(time.monotonic() * 1000)]
        payload = encode(statements.SHAPES["gap"](values))
        parts.journal.append_gap(sign(parts.module.sign_key, routing, "pericard/gap", payload))

    def _command(self, values):
        """Nothing is being recorded, so that a command has nothing to change; it is noted as carried out."""
        _, _, mail_number, _, _, name, value = values
        state = self.parts.state
        if mail_number > state.mail_seen:
            state.save(state.head, mail_number)
            self.told["commands"].append({"name": name, "value": value})


def open_own(module, tenant, sealed):
    """Header fields and body of a segment that this terminal sealed."""
    fields, _, _ = segment.parse_segment(sealed)
    named = dict(zip(segment.FIELD_NAMES, fields))
    key = module.group_key(tenant, "storage", named["cycle"], named["index"])
    header, plain = segment.open_segment(key, sealed)
    return header, segment.read_body(plain)
