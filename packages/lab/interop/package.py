"""The data package, for readers of packs. Source: docs/format.md §8."""

import shapes as s
from cose import ENCRYPT0, open_encrypt0, parse_message, read_fields
from segment import codec
from strict_cbor import Map, Refused, decode, encode

PACKAGE_BYTES_MAX = 20 * 1024 * 1024
ITEM_NAMES = (
    "sequence", "hash", "prev", "final", "cycle", "index", "use", "policyVersion", "firstFrame", "frameCount",
    "sizeBytes", "codec",
)  # fmt: skip
FIELD_NAMES = (
    "suite", "tenant", "recording", "stream", "bodyKind", "receivedAtUnixMs", "salt", "commitment", "items",
)  # fmt: skip
_item = s.fixed(
    s.u32, s.hash32, s.or_null(s.hash32), s.boolean, s.u32, s.key_index, s.u32, s.u32,
    s.integer(0, 9007199250740991), s.integer(0, 4_000_000), s.integer(0, 16777216), codec,
)  # fmt: skip
_fields = s.fixed(
    s.suite, s.id16, s.id16, s.u8, s.one_of(1, 2), s.number, s.bstr(32), s.bstr(32), s.array_of(1, 64, _item)
)
_body = s.array_of(1, 64, s.bstr(None))


def open_package(data_key, message):
    """Header fields by name, and the data."""
    if len(message) > PACKAGE_BYTES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    protected, _, ciphertext = parse_message(message, ENCRYPT0, (bytes, Map, bytes))
    header = dict(zip(FIELD_NAMES, read_fields(protected, _fields)))
    info = encode(["package", header["recording"]])
    plain = open_encrypt0(
        data_key, info, "pericard/package", header["salt"], header["commitment"], protected, ciphertext
    )
    data = _body(decode(plain))
    header["items"] = [dict(zip(ITEM_NAMES, item)) for item in header["items"]]
    if [len(one) for one in data] != [item["sizeBytes"] for item in header["items"]]:
        raise s.out_of_range("length of data")
    return header, data
