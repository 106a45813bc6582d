"""What lies in a terminal's folder: module, counters, provision, state, journal. Source: docs/format.md §10.3, §11."""

import json
import os
import zlib

import shapes as s
from cose import open_blob
from frames import Log, replace_file, sync_folder
from keys import KEY_COUNT, Module
from primitives import H, crc32c
from strict_cbor import decode, encode

ITEM, MARK, QUARANTINE, GAP = 1, 2, 3, 4

_counters = (s.u32, s.key_index, s.u32, s.integer(360, 1 << 24), s.u32, s.number)
counters_shapes = {
    1: s.fixed(s.one_of(1), *_counters, s.u32),
    # A change that waits for its first use is not known here; the last exchange is kept as it is.
    2: s.fixed(s.one_of(2), *_counters, s.or_null(s.never), s.integer(0, 3), lambda exchange: exchange, s.u32),
}
_head = s.fixed(
    s.id16, s.u8, s.u32, s.hash32, s.boolean, s.number, s.number, s.or_null(s.hash32), s.or_null(s.hash32),
    s.u32, s.key_index, s.u32,
)  # fmt: skip
state_shape = s.fixed(s.one_of(1), s.or_null(_head), s.number, s.u32)


def read_file(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def open_soft_module(folder):
    """The module of the `soft` adapter."""
    authorisation = bytes.fromhex(read_file(folder, "trsm.authorisation").decode().strip())
    return Module(open_blob(authorisation, ["pericard/trsm-soft"], read_file(folder, "trsm.sealed")))


class Counters:
    """Durable before it hands anything out. What is saved is the first number that was not handed out."""

    NAME = "trsm.counters"

    def __init__(self, folder):
        self.folder = folder
        fields = decode(read_file(folder, self.NAME))
        fields = counters_shapes[fields[0]](fields)
        if fields[-1] != crc32c(encode(fields[:-1])):
            raise ValueError("counters: checksum")
        self.format, self.cycle, self.index, self.use, self.maximum, self.policy_version, self.contact = fields[:7]
        self._change = fields[7:-1]

    def _save(self):
        fields = [self.format, self.cycle, self.index, self.use, self.maximum, self.policy_version, self.contact]
        fields += self._change
        replace_file(self.folder, self.NAME, encode(fields + [crc32c(encode(fields))]))

    def _next_key(self):
        self.use, self.index = 0, (self.index + 1) % KEY_COUNT
        self.cycle += self.index == 0
        if self._change:
            self._change[1] = 0

    def take_uses(self, count):
        """`count` of (cycle, index, use)."""
        taken = []
        for _ in range(count):
            if self.use >= self.maximum:
                self._next_key()
            taken.append((self.cycle, self.index, self.use))
            self.use += 1
        self._save()
        return taken

    def take_contact(self):
        self.contact += 1
        self._save()
        return self.contact - 1


class State:
    """`terminal.state`: the newest segment recorded, and the highest mail number carried out."""

    NAME = "terminal.state"

    def __init__(self, folder):
        self.folder = folder
        self.head, self.mail_seen = None, 0
        if os.path.exists(os.path.join(folder, self.NAME)):
            fields = state_shape(decode(read_file(folder, self.NAME)))
            if fields[3] != zlib.crc32(encode(fields[:3])):
                raise ValueError("state: checksum")
            _, self.head, self.mail_seen, _ = fields

    def save(self, head, mail_seen):
        self.head, self.mail_seen = head, mail_seen
        fields = [1, head, mail_seen]
        replace_file(self.folder, self.NAME, encode(fields + [zlib.crc32(encode(fields))]))


class Provision:
    NAME = "terminal.json"

    def __init__(self, folder):
        self.folder = folder
        self.value = json.loads(read_file(folder, self.NAME))
        if self.value["format"] != "pericard/terminal" or self.value["version"] != 1:
            raise ValueError("provision: format")
        self.serial, self.tenant, self.routing = (
            bytes.fromhex(self.value[name]) for name in ("serial", "tenant", "routing")
        )
        self.targets = self.value["targets"]
        self.statements = [bytes.fromhex(one) for one in self.value["statements"]]

    def save_statements(self, statements):
        self.value["statements"] = [one.hex() for one in statements]
        replace_file(self.folder, self.NAME, json.dumps(self.value, indent=2).encode() + b"\n")


class Journal:
    """Sealed segments and gap statements that have no receipt yet, by h, oldest first; and those set aside."""

    def __init__(self, folder):
        self._log = Log(folder, "journal")
        self.folder = folder
        self.pending = {}
        self.quarantined = {}
        for kind, _, content in self._log.frames:
            self._replay(kind, content)

    def _replay(self, kind, content):
        if kind == ITEM:
            sealed = decode(content)[0]
            self.pending[H(sealed)] = (ITEM, sealed)
        elif kind == GAP:
            self.pending[H(content)] = (GAP, content)
        elif kind == MARK:
            for h in decode(content):
                self.pending.pop(h, None)
                self.quarantined.pop(h, None)
        elif kind == QUARANTINE:
            h, code = decode(content)
            if h in self.pending:
                self.quarantined[h] = (*self.pending.pop(h), code)

    def append(self, items):
        """Items of (sealed segment, next frame of the source / null, source id / null). Durable when it returns."""
        self._add([(ITEM, encode(list(item))) for item in items])

    def append_gap(self, signed):
        self._add([(GAP, signed)])

    def mark(self, hashes):
        self._add([(MARK, encode(hashes[at : at + 1024])) for at in range(0, len(hashes), 1024)])

    def quarantine(self, h, code):
        self._add([(QUARANTINE, encode([h, code]))])

    def _add(self, frames):
        self._log.append(*frames)
        for frame in frames:
            self._replay(*frame)

    def close(self):
        """Ends the log, and removes its files when nothing in them is needed."""
        self._log.close()
        if not self.pending and not self.quarantined:
            for path in self._log.paths:
                os.unlink(path)
            sync_folder(self.folder)
