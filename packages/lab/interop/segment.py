"""The sealed segment. Source: docs/format.md §5."""

import math
import re

import shapes as s
from cose import ENCRYPT0, open_encrypt0, parse_message, read_fields, seal_encrypt0
from primitives import H, equal
from strict_cbor import Map, Refused, decode, encode

NAME = "pericard/segment"
SEGMENT_BYTES_MAX = 16 * 1024 * 1024
SAMPLES_MAX = 4_000_000
GAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
WAVEFORM, OBSERVATION = 1, 2
OBSERVATIONS_MAX = 256
OBSERVATION_CODECS = ("raw", "gzip")
CODECS = ("lead-residual", "raw", "gzip", "dedup", "gzip+dedup", "dedup+gzip")
CAUSES = ("start", "restart", "gap", "format", "patient", "duration", "conflict")

FIELD_NAMES = (
    "suite", "tenant", "terminal", "recording", "stream", "sequence", "cycle", "index", "use",
    "policyVersion", "salt", "commitment", "prev", "final",
)  # fmt: skip
fields_shape = s.fixed(
    s.suite, s.id16, s.id6, s.id16, s.u8, s.u32, s.u32, s.key_index, s.u32,
    s.u32, s.bstr(32), s.bstr(32), s.or_null(s.hash32), s.boolean,
)  # fmt: skip


def units(value):
    if re.search(r"\s", s.printable(1, 32)(value)):
        raise s.out_of_range("units have white space")
    return value


def gain(value):
    if type(value) is not str or len(value) > 32 or not GAIN.fullmatch(value):
        raise s.out_of_range("gain")
    if float(value) == 0 or not math.isfinite(float(value)):
        raise s.out_of_range("gain is zero or infinite")
    return value


_lead = s.fixed(
    s.printable(1, 64), units, gain, s.int32, s.integer(1, 64), s.integer(0, 65535), s.integer(0, 32), s.int32,
    s.or_null(s.int32),
)  # fmt: skip
_rate = s.integer(1, s.NUMBER_MAX)
_shape = s.fixed(_rate, _rate, s.array_of(1, 64, _lead))


def shape(value):
    num, den, leads = _shape(value)
    if math.gcd(num, den) != 1 or num > 1_000_000 * den:
        raise s.out_of_range("rate")
    return [num, den, leads]


_descriptor = s.fixed(
    s.one_of(WAVEFORM, OBSERVATION),
    s.or_null(s.fixed(s.id8, s.number)),
    s.or_null(s.fixed(s.clock, s.or_null(s.integer(-1080, 1080)))),
    s.integer(0, 9007199250740991),
    s.integer(0, 4_000_000),
    s.or_null(shape),
    s.or_null(s.fixed(s.id16, s.one_of(*CAUSES))),
)


def descriptor(value):
    checked = _descriptor(value)
    kind, frame_count, shape_value = checked[0], checked[4], checked[5]
    if (shape_value is None) != (kind == OBSERVATION) or (kind == OBSERVATION and frame_count > OBSERVATIONS_MAX):
        raise s.out_of_range("shape or number of observations")
    leads = shape_value[2] if shape_value else []
    if frame_count * sum(lead[4] for lead in leads) > SAMPLES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    return checked


def codec(value):
    if value not in CODECS:
        raise Refused("ERR_CODEC_UNKNOWN")
    return value


_body = s.fixed(descriptor, codec, s.hash32, s.bstr(None))


def body_shape(value):
    checked = _body(value)
    if checked[0][0] == OBSERVATION and checked[1] not in OBSERVATION_CODECS:
        raise Refused("ERR_CODEC_UNKNOWN")
    return checked


def read_body(plain):
    """[descriptor, codec, digest, encoded] of a segment's plaintext."""
    body = body_shape(decode(plain))
    if not equal(body[2], H(body[3])):
        raise Refused("ERR_DIGEST_MISMATCH")
    return body


def write_body(descriptor_value, encoded, codec_name="lead-residual"):
    return encode([descriptor_value, codec_name, H(encoded), encoded])


def _info(fields):
    f = dict(zip(FIELD_NAMES, fields))
    return encode(["segment", f["recording"], f["stream"], f["sequence"], f["use"]])


def seal_segment(storage_key, header, plain):
    """`header`: the fields by name, without salt and commitment."""

    def fields_of(salt, commitment):
        whole = {**header, "salt": salt, "commitment": commitment}
        return [whole[name] for name in FIELD_NAMES]

    return seal_encrypt0(storage_key, _info(fields_of(b"", b"")), NAME, fields_of, plain)


def parse_segment(sealed):
    """Header fields, protected header and ciphertext. Nothing is verified yet."""
    if len(sealed) > SEGMENT_BYTES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    protected, _, ciphertext = parse_message(sealed, ENCRYPT0, (bytes, Map, bytes))
    return read_fields(protected, fields_shape), protected, ciphertext


def open_segment(storage_key, sealed):
    """Header fields by name, and the plaintext."""
    fields, protected, ciphertext = parse_segment(sealed)
    named = dict(zip(FIELD_NAMES, fields))
    plain = open_encrypt0(
        storage_key, _info(fields), NAME, named["salt"], named["commitment"], protected, ciphertext
    )
    return named, plain
