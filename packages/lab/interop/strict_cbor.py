"""CBOR as docs/format.md §1 wants it: a writer (python3-cbor2) and a reader that refuses every other encoding.

cbor2's own reader takes floats, indefinite lengths, long heads and doubled keys, and follows a claimed length; hence this one.
"""

import sys

import cbor2

ITEMS_MAX = 2048
"""Items in one value, keys too. Source: docs/format.md §2."""

# A value may be as deep as it may have items, two calls a level.
sys.setrecursionlimit(2 * ITEMS_MAX + 1000)

encode = cbor2.dumps
"""Bytes of a value. Maps are written in the order of the dict, so give it the bytewise order of the keys."""


class Refused(Exception):
    """A structure that is not taken, with the code that docs/format.md names."""

    def __init__(self, code, why=""):
        super().__init__(f"{code} {why}".strip())
        self.code = code


class Map(dict):
    """A decoded map. Keys are the encodings of the keys, so that `true` is not taken for 1."""

    def at(self, key):
        return self.get(encode(key))

    def has_exactly(self, keys):
        return set(self) == {encode(key) for key in keys}


def malformed(why):
    return Refused("ERR_CBOR_MALFORMED", why)


class _Reader:
    def __init__(self, data, items_max):
        self.data = data
        self.at = 0
        self.items = 0
        self.items_max = items_max

    def take(self, count):
        if count > len(self.data) - self.at:
            raise malformed("ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def argument(self, short):
        """The number of a head, which has to be in its shortest form."""
        if short < 24:
            return short
        if short > 27:
            raise malformed("indefinite or reserved length")
        size = 1 << (short - 24)
        value = int.from_bytes(self.take(size), "big")
        if value < (24 if size == 1 else 1 << (4 * size)):
            raise malformed("head is longer than needed")
        return value

    def item(self):
        self.items += 1
        if self.items > self.items_max:
            raise malformed("too many items")
        start = self.at
        head = self.take(1)[0]
        major, short = head >> 5, head & 31
        if major == 7:
            if short not in (20, 21, 22):
                raise malformed("float, undefined or unknown simple value")
            return {20: False, 21: True, 22: None}[short]
        value = self.argument(short)
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return self.take(value)
        if major == 3:
            return self.text(self.take(value))
        if major == 4:
            return [self.item() for _ in range(self.claimed(value))]
        if major == 5:
            return self.map(self.claimed(2 * value) // 2)
        raise malformed(f"tag at byte {start}")

    def claimed(self, count):
        """A number of items that there can be: each is at least one byte."""
        if count > min(self.items_max, len(self.data) - self.at):
            raise malformed("claims more items than there can be")
        return count

    def text(self, raw):
        if raw.startswith(b"\xef\xbb\xbf"):
            raise malformed("byte order mark")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("not UTF-8") from None

    def map(self, count):
        found = Map()
        before = b""
        for _ in range(count):
            start = self.at
            if isinstance(self.item(), (list, Map)):
                raise malformed("an array or a map as a key")
            key = self.data[start : self.at]
            if key <= before:
                raise malformed("keys doubled or not in order")
            before = key
            found[key] = self.item()
        return found


def decode_first(data, items_max=ITEMS_MAX):
    """The first value of some bytes, and what follows it."""
    reader = _Reader(bytes(data), items_max)
    return reader.item(), reader.data[reader.at :]


def decode(data, items_max=ITEMS_MAX):
    """The one value that the bytes are."""
    value, rest = decode_first(data, items_max)
    if rest:
        raise malformed("bytes after the value")
    return value
