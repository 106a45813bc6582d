"""Key schedule, deployment proof, TRSM image, values under a passphrase. Source: docs/format.md §4.1, §4.2, §4.5, §11.1."""

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import shapes as s
from cose import open_blob
from primitives import H, crc32c, hkdf, hkdf_expand, hkdf_extract, hmac_sha256
from strict_cbor import Refused, decode, encode

BLOCK_BYTES, KEY_COUNT = 960, 120


def key_group(block, index):
    """G_i: eight keys of eight bytes, around the end."""
    return (block + block[:64])[8 * index : 8 * index + 64]


def group_salt(suite, tenant, terminal):
    return H(encode([suite, tenant, terminal]))


def derive_group_key(block, salt, suite, label, cycle, index):
    prk = hkdf_extract(salt, key_group(block, index))
    return hkdf_expand(prk, encode([suite, label, cycle, index]), 32)


def deployment_proof(block, suite, tenant, terminal, challenge, sign_public, agree_public):
    salt = group_salt(suite, tenant, terminal)
    key = hkdf_expand(hkdf_extract(salt, block), encode([suite, "verify"]), 32)
    return hmac_sha256(key, encode([challenge, terminal, suite, sign_public, agree_public]))


def read_image(image):
    """The fields of an image, by name. @raises Refused in the order of §11.1."""
    if len(image) != 1024:
        raise Refused("ERR_TRSM_IMAGE_SIZE")
    if crc32c(image[:1020]) != int.from_bytes(image[1020:], "big"):
        raise Refused("ERR_TRSM_IMAGE_CHECKSUM")
    if image[960] not in (0x10, 0x11):
        raise Refused("ERR_TRSM_IMAGE_FORMAT", "format or suite")
    fields = {"suite": image[960] & 15, "block": image[:BLOCK_BYTES]}
    return {**fields, **(_pericard_fields(image) if fields["suite"] == 1 else _paper_fields(image))}


def _pericard_fields(image):
    flags, seed = image[961], image[972:1004]
    if flags not in (0, 1) or (flags == 1) != any(seed):
        raise Refused("ERR_TRSM_IMAGE_FORMAT", "flags")
    index = int.from_bytes(image[968:972], "big")
    return {"serial": image[962:968], "blockIndex": index, "identitySeed": seed, "rootPin": image[1004:1020]}


def _paper_fields(image):
    generator, prime = image[971], image[972:1020]
    if generator < 2 or not prime[0] & 128 or not prime[-1] & 1:
        raise Refused("ERR_TRSM_IMAGE_FORMAT", "p or Q")
    index = int.from_bytes(image[967:971], "big")
    return {"serial": image[961:967], "blockIndex": index, "generator": generator, "prime": prime}


class Module:
    """What a `pericard-1` terminal computes with: its block, and its identity, which comes from the seed."""

    def __init__(self, image):
        fields = read_image(image)
        if fields["suite"] != 1:
            raise Refused("ERR_TRSM_IMAGE_FORMAT", "of suite paper-2018")
        self._block, self.serial, self.root_pin = fields["block"], fields["serial"], fields["rootPin"]
        seed = fields["identitySeed"]
        self.sign_key = Ed25519PrivateKey.from_private_bytes(hkdf(b"", seed, encode(["sign"]), 32))

    def group_key(self, tenant, label, cycle, index):
        return derive_group_key(self._block, group_salt(1, tenant, self.serial), 1, label, cycle, index)


_passphrase_sealed = s.fixed(
    s.one_of("pericard/passphrase"), s.integer(8, 1048576), s.integer(1, 16), s.integer(1, 16), s.bstr(16), s.bstr(None)
)


def open_with_passphrase(passphrase, purpose, sealed):
    try:
        _, memory, passes, lanes, salt, blob = _passphrase_sealed(decode(sealed))
    except Refused:
        raise Refused("ERR_PASSPHRASE_FORMAT") from None
    if memory < 8 * lanes:
        raise Refused("ERR_PASSPHRASE_FORMAT")
    key = hash_secret_raw(passphrase, salt, passes, memory, lanes, 32, Type.ID, 0x13)
    try:
        return open_blob(key, ["pericard/passphrase", purpose], blob)
    except Refused:
        raise Refused("ERR_PASSPHRASE_WRONG") from None
