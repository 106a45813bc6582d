"""Changes of bytes and of structures, none of which a server may take. Each draws from the random source that it is given."""

import os

import envelope
import hpke
import segment
from cose import (
    AES_256_GCM, ALG, CRIT, EK, ENCRYPT, FIELDS, HPKE_4_KE, KID, PSK_ID, ZERO_NONCE, enc_structure, sign,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from primitives import H
from strict_cbor import encode

# Heads that lie: lengths of 2^32, 2^63 and more, indefinite ones, floats, other tags, deep arrays.
LIES = [
    bytes.fromhex(text)
    for text in (
        "5affffffff", "5b7fffffffffffffff", "5bffffffffffffffff", "9affffffff", "9bffffffffffffffff", "bbffffffffffffffff",
        "5f", "9f", "bf", "7f", "ff", "f97e00", "fb7ff8000000000000", "d9d9f7", "c1", "d2", "d0", "d860", "f7", "f818",
        "1bffffffffffffffff", "3bffffffffffffffff", "1b0020000000000000",
    )
] + [b"\x81" * 5000, b"\x80" * 3000, b"\xa0" * 3000]  # fmt: skip


def _range(random, data):
    at = random.randrange(len(data) + 1)
    return at, min(len(data), at + random.choice((1, 1, 2, 4, 8, 32, 100)))


def flip(random, data, _):
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        out[random.randrange(len(out))] ^= 1 << random.randrange(8)
    return bytes(out)


def overwrite(random, data, _):
    at, end = _range(random, data)
    return data[:at] + random.randbytes(end - at) + data[end:]


def cut_out(random, data, _):
    at, end = _range(random, data)
    return data[:at] + data[end:]


def double(random, data, _):
    at, end = _range(random, data)
    return data[:end] + data[at:end] + data[end:]


def truncate(random, data, _):
    return data[: random.randrange(len(data))]


def extend(random, data, _):
    return data + random.choice((b"\0", random.randbytes(random.randrange(1, 40)), data))


def splice(random, data, others):
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other)) :]


def lie(random, data, _):
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(LIES) + data[at + random.choice((0, 1, 2, 3, 5)) :]


def lengthen(random, data, _):
    """Another byte after the head of a string or an array, so mostly another length."""
    heads = [at for at in range(min(len(data) - 2, 400)) if data[at] in (0x58, 0x59, 0x5A, 0x83, 0x84, 0x8E, 0x50, 0x48)]
    if not heads:
        return flip(random, data, _)
    at = random.choice(heads)
    return data[: at + 1] + bytes([random.randrange(256)]) + data[at + 2 :]


BYTE_CHANGES = (flip, overwrite, cut_out, double, truncate, extend, splice, lie, lengthen)


def change(random, data, others):
    """Bytes that differ from `data`."""
    while True:
        changed = random.choice(BYTE_CHANGES)(random, data, others)
        if changed != data:
            return changed


class Forge:
    """Envelopes of a terminal that has its keys and breaks a rule. Each method gives a COSE_Encrypt."""

    def __init__(self, random, terminal, other):
        self.random = random
        self.terminal = terminal
        self.other = other
        self.routing = terminal.provision.routing
        self.public = terminal.trust.key("hpke")
        self.key_id = H(self.public)[:8]

    def transport(self, terminal, cycle=0, index=0):
        return terminal.module.group_key(self.terminal.provision.tenant, "transport", cycle, index)

    def envelope(self, segments, *, fields=None, header=None, recipient=None, content=None, psk=True, count=1, **parts):
        """An envelope with some parts replaced: the header's fields and map, the recipient's map, the content."""
        envelope_id, content_key = os.urandom(16), os.urandom(32)
        plain = envelope.pad(encode(list(segments))) if content is None else content
        own = [1, envelope_id, self.routing, envelope.commitment_of(content_key, envelope_id), len(plain)]
        for at, value in (fields or {}).items():
            own[at] = value
        protected = encode({ALG: AES_256_GCM, CRIT: [FIELDS], FIELDS: own} if header is None else header(own))
        aad = enc_structure("Encrypt", protected, parts.get("name", envelope.NAME))
        ciphertext = AESGCM(content_key).encrypt(ZERO_NONCE, plain, aad)
        psk_id = parts.get("psk_id", encode([0, 0]))
        usual = {ALG: HPKE_4_KE, KID: self.key_id, PSK_ID: psk_id} if psk else {ALG: HPKE_4_KE, KID: self.key_id}
        said = recipient or usual
        said_bytes = encode(said)
        pre_shared = (parts.get("transport") or self.transport(self.terminal), psk_id) if psk else (b"", b"")
        info = envelope.recipient_structure(said_bytes, protected)
        enc, wrapped = hpke.seal(parts.get("public", self.public), info, b"", content_key, *pre_shared)
        one = [said_bytes, {EK: parts.get("ek", enc)}, wrapped]
        return parts.get("tag", ENCRYPT) + encode([protected, parts.get("unprotected", {}), ciphertext, [one] * count])

    def broken(self, segments):
        """One rule of §6 broken, everything else right. The rule's name and the COSE_Encrypt."""
        rules = {
            "suite 0": {"fields": {0: 0}},
            "suite 2": {"fields": {0: 2}},
            "suite as text": {"fields": {0: "1"}},
            "psk_id removed, base mode": {"psk": False},
            "base mode under a header with psk_id": {"transport": b"", "psk_id": b""},
            "psk_id of index 120": {"psk_id": encode([0, 120])},
            "psk_id of another key": {"psk_id": encode([0, 1])},
            "other terminal's psk": {"transport": self.transport(self.other)},
            "storage key as psk": {
                "transport": self.terminal.module.group_key(self.terminal.provision.tenant, "storage", 0, 0)
            },
            "two recipients": {"count": 2},
            "sixty-four recipients": {"count": 64},
            "no recipient": {"count": 0},
            "recipient with another algorithm": {"recipient": {ALG: 46, KID: self.key_id, PSK_ID: encode([0, 0])}},
            "recipient with crit": {"recipient": {ALG: HPKE_4_KE, CRIT: [PSK_ID], KID: self.key_id, PSK_ID: encode([0, 0])}},
            "recipient of an unknown key": {"recipient": {ALG: HPKE_4_KE, KID: os.urandom(8), PSK_ID: encode([0, 0])}},
            "sealed to another key": {"public": self.other_public()},
            "encapsulated key of zero": {"ek": bytes(32)},
            "encapsulated key of 31 bytes": {"ek": os.urandom(31)},
            "other routing id": {"fields": {2: self.other.provision.routing}},
            "another commitment": {"fields": {3: os.urandom(32)}},
            "padded length that is a lie": {"fields": {4: 1 << 20}},
            "padded length of 2^64 - 1": {"fields": {4: (1 << 64) - 1}},
            "unprotected header": {"unprotected": {5: bytes(12)}},
            "tag of sign1": {"tag": b"\xd2"},
            "tag written longer": {"tag": b"\xd9\x00\x60"},
            "algorithm aes-128-gcm": {"header": lambda own: {ALG: 1, CRIT: [FIELDS], FIELDS: own}},
            "no crit": {"header": lambda own: {ALG: AES_256_GCM, FIELDS: own}},
            "a nonce in the header": {"header": lambda own: {ALG: AES_256_GCM, CRIT: [FIELDS], 5: bytes(12), FIELDS: own}},
            "a field more": {"header": lambda own: {ALG: AES_256_GCM, CRIT: [FIELDS], FIELDS: [*own, 0]}},
            "external aad of a segment": {"name": segment.NAME},
            "content without segments": {"content": envelope.pad(encode([]))},
            "content of 65 segments": {"content": envelope.pad(encode([b""] * 65))},
            "content of 2^32 segments": {"content": envelope.pad(b"\x9a\xff\xff\xff\xff")},
            "content nested 5000 deep": {"content": envelope.pad(b"\x81" * 5000)},
            "256 bytes of padding too many": {"content": envelope.pad(encode(list(segments))) + bytes(256)},
            "padding that is not zero": {"content": envelope.pad(encode(list(segments)) + b"\x01")},
        }  # fmt: skip
        name = self.random.choice(sorted(rules))
        return name, self.envelope(segments, **rules[name])

    def other_public(self):
        return hpke.raw(hpke.X25519PrivateKey.generate().public_key())

    def sign(self, name, payload):
        return sign(self.terminal.module.sign_key, self.routing, name, payload)

    def reseal(self, sealed, fields=None, body=None):
        """One of the terminal's own segments, sealed anew with other fields or another body: all seals are right."""
        header, _, _ = segment.parse_segment(sealed)
        named = dict(zip(segment.FIELD_NAMES, header))
        key = self.terminal.module.group_key(named["tenant"], "storage", named["cycle"], named["index"])
        _, plain = segment.open_segment(key, sealed)
        return segment.seal_segment(key, {**named, **(fields or {})}, plain if body is None else body)
