"""The envelope's COSE_Encrypt. Source: docs/format.md §6."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import hpke
import shapes as s
from cose import (
    AES_256_GCM, ALG, EK, ENCRYPT, HPKE_4_KE, KID, PSK_ID, ZERO_NONCE,
    bad_structure, enc_structure, gcm_open, parse_message, read_fields, read_header, write_fields,
)  # fmt: skip
from primitives import equal, hkdf_expand
from strict_cbor import Map, Refused, decode, decode_first, encode

NAME = "pericard/envelope"
BLOCK = 256

FIELD_NAMES = ("suite", "envelope", "routing", "commitment", "paddedBytes")


def _padded(value):
    if s.integer(BLOCK, 20970496)(value) % BLOCK:
        raise s.out_of_range("padded length")
    return value


fields_shape = s.fixed(s.suite, s.id16, s.id8, s.bstr(32), _padded)
psk_id_shape = s.fixed(s.u32, s.key_index)


def recipient_structure(recipient_protected, protected):
    return encode(["HPKE Recipient", AES_256_GCM, recipient_protected, protected])


def commitment_of(content_key, envelope_id):
    return hkdf_expand(content_key, encode(["commit", envelope_id]), 32)


def pad(content):
    return content + bytes(-len(content) % BLOCK)


def seal_envelope(hpke_public, hpke_key_id, transport_key, cycle, index, routing, segments, envelope_id=None):
    """The COSE_Encrypt of these sealed segments, and the envelope's id."""
    envelope_id = envelope_id or os.urandom(16)
    content_key = os.urandom(32)
    plain = pad(encode(list(segments)))
    protected = write_fields([1, envelope_id, routing, commitment_of(content_key, envelope_id), len(plain)])
    ciphertext = AESGCM(content_key).encrypt(ZERO_NONCE, plain, enc_structure("Encrypt", protected, NAME))
    psk_id = encode([cycle, index])
    recipient = encode({ALG: HPKE_4_KE, KID: hpke_key_id, PSK_ID: psk_id})
    info = recipient_structure(recipient, protected)
    enc, wrapped = hpke.seal(hpke_public, info, b"", content_key, transport_key, psk_id)
    return ENCRYPT + encode([protected, {}, ciphertext, [[recipient, {EK: enc}, wrapped]]]), envelope_id


def _read_recipient(recipients):
    if len(recipients) != 1 or type(recipients[0]) is not list or len(recipients[0]) != 3:
        raise bad_structure("recipients")
    protected, unprotected, wrapped = recipients[0]
    if type(protected) is not bytes or type(unprotected) is not Map or type(wrapped) is not bytes:
        raise bad_structure("kind of a recipient's item")
    if not unprotected.has_exactly((EK,)) or type(unprotected.at(EK)) is not bytes:
        raise bad_structure("recipient's unprotected header")
    return protected, unprotected.at(EK), wrapped


def parse_envelope(message):
    """Everything that the outside of a COSE_Encrypt says, by name. Nothing is verified."""
    protected, _, ciphertext, recipients = parse_message(message, ENCRYPT, (bytes, Map, bytes, list))
    recipient_protected, enc, wrapped = _read_recipient(recipients)
    fields = read_fields(protected, fields_shape)
    header = read_header(recipient_protected, HPKE_4_KE, (ALG, KID, PSK_ID))
    key_id = s.id8(header.at(KID))
    psk_id = s.bstr_up_to(16)(header.at(PSK_ID))
    cycle, index = psk_id_shape(decode(psk_id))
    s.bstr(32)(enc)
    s.bstr(48)(wrapped)
    if len(ciphertext) != fields[4] + 16:
        raise s.out_of_range("ciphertext's length")
    return {
        "header": dict(zip(FIELD_NAMES, fields)), "protected": protected, "ciphertext": ciphertext,
        "recipient": {"hpkeKey": key_id, "cycle": cycle, "index": index}, "recipientProtected": recipient_protected,
        "pskId": psk_id, "encapsulatedKey": enc, "wrappedKey": wrapped,
    }  # fmt: skip


def read_content(plain):
    value, padding = decode_first(plain)
    segments = s.array_of(1, 64, s.bstr(None))(value)
    if len(padding) >= BLOCK or any(padding):
        raise Refused("ERR_PADDING_MALFORMED")
    return segments


def open_envelope(hpke_private, transport_key, parsed):
    """The content key and the sealed segments."""
    header = parsed["header"]
    content_key = hpke.open_(
        hpke_private, parsed["encapsulatedKey"], parsed["wrappedKey"],
        recipient_structure(parsed["recipientProtected"], parsed["protected"]), b"", transport_key, parsed["pskId"],
    )  # fmt: skip
    if not equal(commitment_of(content_key, header["envelope"]), header["commitment"]):
        raise Refused("ERR_KEY_COMMITMENT")
    plain = gcm_open(content_key, parsed["ciphertext"], enc_structure("Encrypt", parsed["protected"], NAME))
    return content_key, read_content(plain)
