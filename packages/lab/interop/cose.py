"""COSE as docs/format.md §3 uses it, the sealing of §4.3 and the blobs of §4.4."""

import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from primitives import equal, hkdf
from strict_cbor import Map, Refused, decode, encode

ENCRYPT0, SIGN1, ENCRYPT = b"\xd0", b"\xd2", b"\xd8\x60"
ALG, CRIT, KID, TYP, EK, PSK_ID, FIELDS = 1, 2, 4, 16, -4, -5, -70000
AES_256_GCM, ED25519, HPKE_4_KE = 3, -19, 50
ZERO_NONCE = bytes(12)
HEADER_BYTES_MAX = 16 * 1024

TYPES = (
    "envelope", "status", "gap", "key-answer", "key-taken", "key-refused", "receipt", "conflict", "rejected", "rewrap",
    "erased", "command", "key-offer", "key-order", "key-statement", "stubs", "erasure", "intake",
    "transfer", "fetch-back", "fetch-challenge", "returned",
)  # fmt: skip


def bad_structure(why):
    return Refused("ERR_COSE_STRUCTURE", why)


def parse_message(message, tag, kinds):
    """The items of a tagged message, each of the Python type in `kinds`; the unprotected header is the second."""
    if not message.startswith(tag):
        raise bad_structure("another tag")
    items = decode(message[len(tag) :])
    if type(items) is not list or len(items) != len(kinds):
        raise bad_structure("number of items")
    if any(type(item) is not kind for item, kind in zip(items, kinds)):
        raise bad_structure("kind of an item")
    if items[1] != {}:
        raise bad_structure("unprotected header")
    return items


def read_header(protected, alg, labels):
    """The protected header's map, which has these parameters and no others."""
    if len(protected) > HEADER_BYTES_MAX:
        raise Refused("ERR_LENGTH_LIMIT")
    header = decode(protected)
    if type(header) is not Map:
        raise Refused("ERR_HEADER_MALFORMED", "no map")
    if header.at(ALG) != alg or type(header.at(ALG)) is not int:
        raise Refused("ERR_ALGORITHM_REFUSED")
    if not header.has_exactly(labels):
        raise Refused("ERR_HEADER_MALFORMED", "parameters")
    return header


def read_fields(protected, shape):
    """The fields of a pericard-header."""
    header = read_header(protected, AES_256_GCM, (ALG, CRIT, FIELDS))
    if header.at(CRIT) != [FIELDS]:
        raise Refused("ERR_HEADER_MALFORMED", "crit")
    return shape(header.at(FIELDS))


def write_fields(fields):
    return encode({ALG: AES_256_GCM, CRIT: [FIELDS], FIELDS: fields})


def enc_structure(context, protected, name):
    return encode([context, protected, name.encode()])


def gcm_open(key, ciphertext, aad):
    try:
        if len(ciphertext) >= 16:
            return AESGCM(key).decrypt(ZERO_NONCE, ciphertext, aad)
    except InvalidTag:
        pass
    raise Refused("ERR_SEAL_BROKEN")


def seal_encrypt0(key, info, name, fields_of, plain):
    """A COSE_Encrypt0. `fields_of(salt, commitment)` gives the header's fields."""
    salt = os.urandom(32)
    derived = hkdf(salt, key, info, 64)
    protected = write_fields(fields_of(salt, derived[32:]))
    aad = enc_structure("Encrypt0", protected, name)
    return ENCRYPT0 + encode([protected, {}, AESGCM(derived[:32]).encrypt(ZERO_NONCE, plain, aad)])


def open_encrypt0(key, info, name, salt, commitment, protected, ciphertext):
    derived = hkdf(salt, key, info, 64)
    if not equal(derived[32:], commitment):
        raise Refused("ERR_KEY_COMMITMENT")
    return gcm_open(derived[:32], ciphertext, enc_structure("Encrypt0", protected, name))


def sig_structure(protected, name, payload):
    return encode(["Signature1", protected, name.encode(), payload])


def sign(private, kid, name, payload):
    """A signed message of the type `name`."""
    protected = encode({ALG: ED25519, KID: kid, TYP: name})
    return SIGN1 + encode([protected, {}, payload, private.sign(sig_structure(protected, name, payload))])


class Signed:
    """A signed message whose form was checked. Nothing is verified before `verify`."""

    def __init__(self, message):
        self.protected, _, self.payload, self.signature = parse_message(message, SIGN1, (bytes, Map, bytes, bytes))
        header = read_header(self.protected, ED25519, (ALG, KID, TYP))
        self.name, self.kid = header.at(TYP), header.at(KID)
        if self.name not in ["pericard/" + one for one in TYPES]:
            raise Refused("ERR_TYPE_MISMATCH")
        if len(self.signature) != 64 or type(self.kid) is not bytes or len(self.kid) != 8:
            raise Refused("ERR_FIELD_RANGE", "signature or key id")
        if self.name != "pericard/envelope" and len(message) > 64 * 1024:
            raise Refused("ERR_LENGTH_LIMIT")

    def verify(self, public):
        """The payload, once it is known to be the key's."""
        covered = sig_structure(self.protected, self.name, self.payload)
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, covered)
        except InvalidSignature:
            raise Refused("ERR_SIGNATURE_INVALID") from None
        return self.payload


def open_blob(key, context, blob):
    """§4.4. `context` is the array whose encoding is info."""
    if len(blob) < 48:
        raise Refused("ERR_SEAL_BROKEN")
    info = encode(context)
    return gcm_open(hkdf(blob[:32], key, info, 32), blob[32:], info)
