"""Payloads of signed messages. Source: docs/format.md §7."""

import shapes as s
from strict_cbor import decode

# Of a key change; 0 is what a terminal has before any.
version = s.integer(1, (1 << 32) - 1)
head = s.fixed(s.id16, s.u8, s.u32, s.hash32, s.boolean, s.boolean)


def command_shape(value):
    """The value's range is that of the name."""
    checked = s.fixed(
        s.suite, s.id8, s.number, s.number, s.number, s.one_of("segment-length", "end-recording"), s.number
    )(value)
    s.integer(1000, 60000)(checked[6]) if checked[5] == "segment-length" else s.integer(0, 0)(checked[6])
    return checked


def wanted(value):
    """The list of streams after one of them, or a page of one stream."""
    kind = value[0] if type(value) is list and value else None
    after = s.or_null(s.fixed(s.id16, s.u8))
    shapes = {1: (after,), 2: (s.id16, s.u8, s.u32, s.integer(0, 1 << 24))}
    if type(kind) is not int or kind not in shapes:
        raise s.out_of_range("neither a list nor a page")
    return s.fixed(s.integer(1, 2), *shapes[kind])(value)


def fetch_back_shape(value):
    """Challenge and what is wanted with it are there together, or neither is."""
    checked = s.fixed(
        s.suite, s.id8, s.number, s.u32, s.key_index, s.or_null(s.bstr_up_to(1024)), s.or_null(wanted)
    )(value)
    if (checked[5] is None) != (checked[6] is None):
        raise s.out_of_range("challenge without its use")
    return checked


stub = s.fixed(s.u32, s.hash32, s.or_null(s.hash32), s.boolean)
erased_recording = s.fixed(s.id16, s.id6, s.u32, s.hash32)


def stubs_shape(value):
    """Sequences rise."""
    checked = s.fixed(s.suite, s.id16, s.id16, s.u8, s.number, s.array_of(1, 256, stub))(value)
    sequences = [one[0] for one in checked[5]]
    if any(later <= earlier for earlier, later in zip(sequences, sequences[1:])):
        raise s.out_of_range("sequences do not rise")
    return checked


def erasure_shape(value):
    """A part is one of its parts."""
    parts = s.integer(1, 65535)
    checked = s.fixed(
        s.suite, s.id16, s.id16, s.or_null(s.id16), s.number, s.printable(0, 500), s.printable(0, 100),
        s.integer(1, 255), s.number, parts, parts, s.array_of(0, 256, erased_recording),
    )(value)
    s.integer(1, checked[10])(checked[9])
    return checked


SHAPES = {
    "receipt": s.fixed(s.suite, s.id8, s.number, s.integer(1, 255), s.array_of(1, 64, s.hash32)),
    "conflict": s.fixed(
        s.suite, s.id8, s.number, s.hash32, s.id16, s.u8, s.u32,
        s.one_of("sequence", "chain", "shape", "final", "overlap"),
    ),
    "rejected": s.fixed(s.suite, s.id8, s.number, s.code, s.or_null(s.id16), s.array_of(0, 64, s.hash32)),
    "rewrap": s.fixed(s.suite, s.id8, s.number, s.id16, s.id8),
    "erased": s.fixed(s.suite, s.id8, s.number, s.id16, s.array_of(1, 64, s.hash32)),
    "stubs": stubs_shape,
    "erasure": erasure_shape,
    "gap": s.fixed(s.suite, s.id8, s.id16, s.u8, s.u32, s.one_of("unreadable", "quarantined"), s.id8, s.number),
    "status": s.fixed(
        s.suite, s.id8, s.number, s.id8, s.number, s.or_null(s.clock), s.number, s.number, s.number, s.number,
        s.number, s.u32, s.integer(1000, 60000), s.u32, s.key_index, s.u32, s.array_of(0, 64, head),
    ),
    "key-statement": s.fixed(s.suite, s.u32, s.one_of("hpke", "receipt"), s.key32, s.number, s.number, s.key32),
    "command": command_shape,
    "intake": s.fixed(s.suite, s.id16, s.id16, s.integer(1, 65535), s.key32, s.number),
    "key-offer": s.fixed(s.suite, s.id8, version, s.key32, s.bstr(32)),
    "key-answer": s.fixed(s.suite, s.id8, s.hash32, s.key32),
    "key-taken": s.fixed(s.suite, s.id8, s.hash32, version, s.u32, s.key_index, s.u32),
    "key-refused": s.fixed(s.suite, s.id8, s.hash32, s.u32, s.code),
    "fetch-back": fetch_back_shape,
    "fetch-challenge": s.fixed(s.suite, s.id8, s.bstr(32), s.number, s.number),
}  # fmt: skip


def read_statement(name, payload):
    """The values of a payload whose signature was verified. `name` is the type without `pericard/`."""
    return SHAPES[name](decode(payload))
