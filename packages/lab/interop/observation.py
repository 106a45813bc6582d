"""Observations of a segment, before their codec. Source: docs/format.md §5.6."""

import re

import shapes as s
from strict_cbor import Refused, decode, encode

BYTES_MAX = 320 * 1024
ITEMS_MAX = 12_033
CODE = re.compile(r"\d{1,7}-\d|MDCX?_[A-Z0-9_]+", re.ASCII)
UNIT = re.compile(r"[!-~]{1,32}", re.ASCII)


def code(value):
    if not CODE.fullmatch(s.printable(1, 64)(value)):
        raise s.out_of_range("code")
    return value


def unit(value):
    if type(value) is not str or not UNIT.fullmatch(value):
        raise s.out_of_range("unit")
    return value


_component = s.fixed(code, unit, s.integer(-s.NUMBER_MAX, s.NUMBER_MAX), s.integer(-12, 12))
_claimed = s.fixed(s.clock, s.or_null(s.integer(-1080, 1080)))
_observation = s.fixed(s.u32, s.or_null(_claimed), s.or_null(s.printable(1, 64)), s.array_of(1, 8, _component))
_observations = s.array_of(0, 256, _observation)


def read_observations(encoded, count):
    """[after-ms, claimed, device, components] of each."""
    if len(encoded) > BYTES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    read = _observations(decode(encoded, ITEMS_MAX))
    for after_ms, _, _, components in read:
        if len({one[0] for one in components}) != len(components):
            raise s.out_of_range("two components have one code")
    times = [one[0] for one in read]
    if times != sorted(times) or len(read) != count:
        raise s.out_of_range("order or number of observations")
    return read


def write_observations(observations):
    return encode(observations)
