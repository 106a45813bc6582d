"""SHA-256, HKDF, HMAC and the two checksums. Source: RFC 5869; docs/format.md §1, §10, §11."""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


def H(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_extract(salt, key):
    return hmac_sha256(salt or bytes(32), key)


def hkdf_expand(prk, info, size):
    return HKDFExpand(SHA256(), size, info).derive(prk)


def hkdf(salt, key, info, size):
    return HKDF(SHA256(), size, salt, info).derive(key)


def equal(a, b):
    return hmac.compare_digest(a, b)


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    """CRC-32C (Castagnoli), reflected, as an unsigned number."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
