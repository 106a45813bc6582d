"""A terminal: its parts, and sealing. Source: docs/format.md §5, §11, §15."""

import codec
import segment
from delivery import open_own
from folder import Counters, Journal, Provision, State, open_soft_module
from primitives import H
from strict_cbor import encode
from uplink import Trust


class Terminal:
    """The terminal that was deployed into a folder. One process at a time."""

    def __init__(self, folder):
        self.provision = Provision(folder)
        self.module = open_soft_module(folder)
        if self.module.serial != self.provision.serial:
            raise ValueError("provision: of another terminal than the module")
        self.counters = Counters(folder)
        self.state = State(folder)
        self.trust = Trust(self.module.root_pin, self.provision.routing)
        for statement in self.provision.statements:
            self.trust.learn(statement)
        self.journal = Journal(folder)

    def learn_key(self, message):
        """Takes a key statement for good. Whether it was new."""
        if not self.trust.learn(message):
            return False
        self.provision.save_statements(self.trust.statements())
        return True

    def _seal(self, use, place, descriptor, encoded, codec_name):
        """`place`: recording, stream, sequence, prev, final."""
        cycle, index, number = use
        header = {
            "suite": 1, "tenant": self.provision.tenant, "terminal": self.module.serial, **place, "cycle": cycle,
            "index": index, "use": number, "policyVersion": self.counters.policy_version,
        }  # fmt: skip
        key = self.module.group_key(self.provision.tenant, "storage", cycle, index)
        return segment.seal_segment(key, header, segment.write_body(descriptor, encoded, codec_name))

    def record(self, source, recording, codec_name):
        """Seals a whole source as one recording and journals it. The sealed segments."""
        head = self.state.head
        prev = head[3] if head else None
        before = [head[0], "start"] if head else None
        items, windows = [], list(source.windows())
        for sequence, (use, (first, count, leads)) in enumerate(zip(self.counters.take_uses(len(windows)), windows)):
            predecessor = before if sequence == 0 else None
            descriptor = segment.descriptor([1, None, None, first, count, source.shape, predecessor])
            final = sequence == len(windows) - 1
            place = {"recording": recording, "stream": 0, "sequence": sequence, "prev": prev, "final": final}
            sealed = self._seal(use, place, descriptor, codec.encode_leads(leads), codec_name)
            prev = H(sealed)
            items.append((sealed, first + count, source.id))
        self.journal.append(items)
        frames = first + count
        newest = [recording, 0, sequence, prev, final, frames, frames, source.id, H(encode(source.shape)), *use]
        self.state.save(newest, self.state.mail_seen)
        return [sealed for sealed, _, _ in items]

    def reseal(self, h, recording):
        """Seals a journalled segment anew, alone in another recording, and marks the old one as superseded."""
        header, (descriptor, codec_name, _, encoded) = open_own(
            self.module, self.provision.tenant, self.journal.pending[h][1]
        )
        descriptor[3] = 0
        descriptor[6] = [header["recording"], "conflict"]
        place = {
            "recording": recording, "stream": header["stream"], "sequence": 0, "prev": header["prev"], "final": True,
        }  # fmt: skip
        [use] = self.counters.take_uses(1)
        self.journal.append([(self._seal(use, place, descriptor, encoded, codec_name), None, None)])
        self.journal.mark([h])
