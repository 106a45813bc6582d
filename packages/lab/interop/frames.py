"""Frames and logs: what a journal is made of. Source: docs/format.md §10."""

import os
import re
import zlib

from strict_cbor import encode

START = bytes.fromhex("d9d9f784")
CONTENT_BYTES_MAX = 20 * 1024 * 1024 + 4096


class Cut(Exception):
    """The bytes end before the frame does."""


class Damaged(Exception):
    """No frame begins here."""


def write_frame(kind, number, content):
    body = START + encode(kind) + encode(number) + encode(content)
    return body + encode(zlib.crc32(body).to_bytes(4, "big"))


def _compare(data, at, wanted):
    have = data[at : at + len(wanted)]
    if have != wanted[: len(have)]:
        raise Damaged
    if len(have) < len(wanted):
        raise Cut
    return at + len(wanted)


def _head(data, at, major, sizes):
    """The number in a head of this major type, written with one of these sizes. Longer heads than needed are taken."""
    if at >= len(data):
        raise Cut
    short = data[at] & 31
    if data[at] >> 5 != major or (short > 23 and 1 << (short - 24) not in sizes):
        raise Damaged
    if short < 24:
        return short, at + 1
    size = 1 << (short - 24)
    raw = data[at + 1 : at + 1 + size]
    if len(raw) < size:
        raise Cut
    return int.from_bytes(raw, "big"), at + 1 + size


def read_frame(data, at=0):
    """kind, number, content and where the frame ends. @raises Cut, Damaged."""
    start = at
    at = _compare(data, at, START)
    kind, at = _head(data, at, 0, ())
    number, at = _head(data, at, 0, (1, 2, 4, 8))
    if number >= 1 << 53:
        raise Damaged
    length, at = _head(data, at, 2, (1, 2, 4))
    if length > CONTENT_BYTES_MAX:
        raise Damaged
    content, at = data[at : at + length], at + length
    if len(content) < length:
        raise Cut
    checksum = zlib.crc32(data[start:at]).to_bytes(4, "big")
    return kind, number, content, _compare(data, at, b"\x44" + checksum)


def _next_start(data, at, last_number):
    """Where a whole frame with a possible number stands, or the end."""
    while (at := data.find(START, at)) >= 0:
        try:
            if 1 <= read_frame(data, at)[1] - last_number <= 1 << 32:
                return at
        except (Cut, Damaged):
            pass
        at += 1
    return len(data)


def scan(data):
    """The frames of a file, over damaged stretches."""
    at, last_number = 0, -1
    while at < len(data):
        try:
            kind, number, content, at = read_frame(data, at)
            last_number = number
            yield kind, number, content
        except (Cut, Damaged):
            at = _next_start(data, at + 1, last_number)


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(folder, name, content):
    """Replaces a file as a whole: temporary name, sync, rename, sync of the folder."""
    temporary = os.path.join(folder, name + ".new")
    with open(temporary, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, os.path.join(folder, name))
    sync_folder(folder)


class Log:
    """A log that goes on in a new file. `frames` are those that it had."""

    def __init__(self, folder, name):
        pattern = re.compile(rf"{name}-(\d{{8}})\.cbor")
        found = sorted(file for file in os.listdir(folder) if pattern.fullmatch(file))
        self.folder = folder
        self.paths = [os.path.join(folder, file) for file in found]
        self.frames = []
        for path in self.paths:
            with open(path, "rb") as file:
                self.frames += [frame for frame in scan(file.read()) if frame[0] != 0]
        self.number = max([number + 1 for _, number, _ in self.frames], default=0)
        file_number = 1 + max([int(pattern.fullmatch(file)[1]) for file in found], default=-1)
        self.paths.append(os.path.join(folder, f"{name}-{file_number:08d}.cbor"))
        self._file = open(self.paths[-1], "xb", opener=lambda path, flags: os.open(path, flags, 0o600))
        self._write(0, encode([f"pericard/{name}", 1]))
        sync_folder(folder)

    def _write(self, kind, content):
        self._file.write(write_frame(kind, self.number, content))

    def append(self, *frames):
        """Appends (kind, content) and syncs once."""
        for kind, content in frames:
            self._write(kind, content)
            self.number += 1
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self):
        self._file.close()
