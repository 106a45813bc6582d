"""HPKE, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Debian's cryptography has none.

Source: RFC 9180 §4, §5.1, §6.1; docs/format.md §4.6.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from primitives import hkdf_expand, hkdf_extract
from strict_cbor import Refused

KEM_SUITE = b"KEM\x00\x20"
SUITE = b"HPKE\x00\x20\x00\x01\x00\x03"
MODE_BASE, MODE_PSK = 0, 1


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _labeled_extract(suite, salt, label, key):
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + key)


def _labeled_expand(suite, prk, label, info, size):
    return hkdf_expand(prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, size)


def _dh(private, public_bytes):
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public_bytes))
    except ValueError:
        raise Refused("ERR_SHARED_SECRET") from None


def _cipher(dh, enc, recipient_public, info, psk, psk_id):
    prk = _labeled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    shared = _labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + recipient_public, 32)
    mode = MODE_PSK if psk else MODE_BASE
    context = (
        bytes([mode])
        + _labeled_extract(SUITE, b"", b"psk_id_hash", psk_id)
        + _labeled_extract(SUITE, b"", b"info_hash", info)
    )
    secret = _labeled_extract(SUITE, shared, b"secret", psk)
    key = _labeled_expand(SUITE, secret, b"key", context, 32)
    nonce = _labeled_expand(SUITE, secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key), nonce


def seal(recipient_public, info, aad, plain, psk=b"", psk_id=b"", ephemeral=None):
    """enc and ciphertext. Without a psk the mode is base."""
    ephemeral = ephemeral or X25519PrivateKey.generate()
    enc = raw(ephemeral.public_key())
    cipher, nonce = _cipher(_dh(ephemeral, recipient_public), enc, recipient_public, info, psk, psk_id)
    return enc, cipher.encrypt(nonce, plain, aad)


def open_(private, enc, ciphertext, info, aad, psk=b"", psk_id=b""):
    """What `seal` sealed, or ERR_SHARED_SECRET or ERR_SEAL_BROKEN."""
    public = raw(private.public_key())
    cipher, nonce = _cipher(_dh(private, enc), enc, public, info, psk, psk_id)
    try:
        return cipher.decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise Refused("ERR_SEAL_BROKEN") from None
