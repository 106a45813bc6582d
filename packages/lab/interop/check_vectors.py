"""Every case of vectors/*.json against this implementation: what it accepts and says, and why it refuses."""

import json
import os
import re

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import cose
import envelope
import frames
import hpke
import keys
import observation
import package
import segment
import statements
import uplink
from primitives import hkdf_extract
from strict_cbor import Refused, decode, encode

# From elsewhere, so that the table of vectors/README.md does not count them.
STANDARD_COUNTS = {"hpke-rfc9180": (2, 0), "cose-hpke-draft-25": (10, 0)}
README_ROW = re.compile(r"^\| `([a-z0-9-]+)\.json` \|.*\| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


def expected_counts(folder):
    """How many cases each file has, accepted and refused, so that a loop over nothing cannot pass."""
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        rows = README_ROW.findall(file.read())
    return {**STANDARD_COUNTS, **{name: tuple(int(n.replace(",", "")) for n in counts) for name, *counts in rows}}


def h(case, member):
    return bytes.fromhex(case[member + "Hex"])


def plain_json(value):
    """As vectors/README.md writes decoded values: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain_json(one) for key, one in value.items()}
    return [plain_json(one) for one in value] if isinstance(value, list) else value


def require(condition, what):
    if not condition:
        raise AssertionError(what)


def descriptor_json(value):
    kind, boot, claimed, first, count, shape, predecessor = value
    lead_names = (
        "name", "units", "gainAduPerUnit", "baselineAdu", "samplesPerFrame", "skewFrames", "adcResolutionBits",
        "adcZeroAdu", "missingCode",
    )  # fmt: skip
    return {
        "kind": kind,
        "boot": boot and {"bootId": boot[0], "monotonicMs": boot[1]},
        "claimed": claimed and {"unixMs": claimed[0], "zoneOffsetMinutes": claimed[1]},
        "firstFrame": first,
        "frameCount": count,
        "shape": shape
        and {
            "frameRateHz": {"num": shape[0], "den": shape[1]},
            "leads": [dict(zip(lead_names, lead)) for lead in shape[2]],
        },
        "predecessor": predecessor and {"recording": predecessor[0], "cause": predecessor[1]},
    }


def open_segment(case):
    key, sealed = h(case, "storageKey"), h(case, "bytes")
    header, plain = segment.open_segment(key, sealed)
    descriptor, codec, digest, encoded = segment.read_body(plain)
    require(segment.write_body(descriptor, encoded, codec) == plain, "body is written differently")
    fields = [header[name] for name in segment.FIELD_NAMES]
    require(cose.write_fields(fields) == decode(sealed[1:])[0], "header is written differently")
    body = {"descriptor": descriptor_json(descriptor), "codec": codec, "digest": digest, "encoded": encoded}
    return {"header": header, "plain": plain, "body": body}


def open_observations(case):
    read = observation.read_observations(h(case, "bytes"), case["count"])
    require(observation.write_observations(read) == h(case, "bytes"), "observations are written differently")
    return [
        {
            "afterMs": after_ms,
            "claimed": claimed and {"unixMs": claimed[0], "zoneOffsetMinutes": claimed[1]},
            "device": device,
            "components": [
                {"code": code, "unit": unit, "value": {"mantissa": mantissa, "exponent": exponent}}
                for code, unit, mantissa, exponent in components
            ],
        }
        for after_ms, claimed, device, components in read
    ]


def open_package(case):
    header, data = package.open_package(h(case, "dataKey"), h(case, "bytes"))
    return {"header": header, "data": data}


def open_envelope(case):
    parsed = envelope.parse_envelope(h(case, "bytes"))
    private = X25519PrivateKey.from_private_bytes(h(case, "hpkePrivateKey"))
    content_key, segments = envelope.open_envelope(private, h(case, "transportKey"), parsed)
    require(len(envelope.pad(encode(segments))) == parsed["header"]["paddedBytes"], "padding")
    said = {name: parsed[name] for name in ("header", "recipient", "encapsulatedKey", "wrappedKey")}
    return {**said, "contentKey": content_key, "segments": segments}


STATEMENT_NAMES = {
    "receipt": ("suite", "routing", "receivedAtUnixMs", "copyCount", "hashes"),
    "conflict": ("suite", "routing", "detectedAtUnixMs", "hash", "recording", "stream", "sequence", "cause"),
    "rejected": ("suite", "routing", "rejectedAtUnixMs", "code", "envelope", "hashes"),
    "rewrap": ("suite", "routing", "answeredAtUnixMs", "envelope", "hpkeKey"),
    "erased": ("suite", "routing", "erasedAtUnixMs", "recording", "hashes"),
    "stubs": ("suite", "tenant", "recording", "stream", "erasedAtUnixMs", "stubs"),
    "erasure": (
        "suite", "erasure", "tenant", "patient", "erasedAtUnixMs", "reason", "by", "keyCopyCount",
        "backupsExpireAtUnixMs", "part", "partCount", "recordings",
    ),
    "gap": ("suite", "routing", "recording", "stream", "sequence", "cause", "bootId", "monotonicMs"),
    "status": (
        "suite", "routing", "contact", "bootId", "monotonicMs", "clockUnixMs", "mailSeen", "journalItemCount",
        "journalBytes", "journalLimitBytes", "quarantineCount", "policyVersion", "segmentLengthMs", "cycle", "index",
        "use", "heads",
    ),
    "key-statement": (
        "suite", "version", "purpose", "publicKey", "notBeforeUnixMs", "notAfterUnixMs", "rootPublicKey",
    ),
    "intake": ("suite", "intake", "tenant", "factoryNumber", "publicKey", "madeAtUnixMs"),
    "key-offer": ("suite", "routing", "version", "publicKey", "nonce"),
    "key-answer": ("suite", "routing", "offerHash", "publicKey"),
    "key-taken": ("suite", "routing", "orderHash", "version", "cycle", "index", "use"),
    "key-refused": ("suite", "routing", "messageHash", "version", "code"),
    "fetch-back": ("suite", "routing", "contact", "cycle", "index", "challenge", "wanted"),
    "fetch-challenge": ("suite", "routing", "nonce", "issuedAtUnixMs", "expiresAtUnixMs"),
    "command": ("suite", "routing", "mailNumber", "issuedAtUnixMs", "expiresAtUnixMs", "name", "value"),
}  # fmt: skip
ITEM_NAMES = {
    "heads": ("recording", "stream", "sequence", "hash", "final", "open"),
    "stubs": ("sequence", "hash", "prev", "final"),
    "recordings": ("recording", "terminal", "segmentCount", "stubDigest"),
}


def fetch_json(statement):
    challenge, wanted = statement.pop("challenge"), statement.pop("wanted")
    if challenge is None:
        return {**statement, "asked": None}
    if wanted[0] == 1:
        after = wanted[1] and dict(zip(("recording", "stream"), wanted[1]))
        said = {"kind": "list", "after": after}
    else:
        _, recording, stream, sequence, offset = wanted
        name = {"recording": recording, "stream": stream}
        said = {"kind": "page", "name": name, "from": {"sequence": sequence, "offsetBytes": offset}}
    return {**statement, "asked": {"challenge": challenge, "wanted": said}}


def open_signed(case):
    message = cose.Signed(h(case, "bytes"))
    payload = message.verify(h(case, "publicKey"))
    name = message.name.removeprefix("pericard/")
    statement = None
    if name not in ("envelope", "key-order", "returned", "transfer"):
        values = statements.read_statement(name, payload)
        require(encode(values) == payload, "statement is written differently")
        statement = dict(zip(STATEMENT_NAMES[name], values))
        del statement["suite"]
        if name == "fetch-back":
            statement = fetch_json(statement)
        for field, names in ITEM_NAMES.items():
            if field in statement:
                statement[field] = [dict(zip(names, one)) for one in statement[field]]
    return {"type": message.name, "keyId": message.kid, "payload": payload, "statement": statement}


def binding(case):
    return case["suite"], bytes.fromhex(case["tenant"]), bytes.fromhex(case["terminal"])


def derive(case):
    block, cycle, index = h(case, "block"), case["cycle"], case["index"]
    in_range = type(index) is int and 0 <= index < keys.KEY_COUNT and 0 <= cycle < 1 << 32
    if len(block) != keys.BLOCK_BYTES or not in_range:
        raise Refused("RangeError")
    suite, tenant, terminal = binding(case)
    salt = keys.group_salt(suite, tenant, terminal)
    key = keys.derive_group_key(block, salt, suite, case["label"], cycle, index)
    require(key == h(case, "bytes"), "another key")
    group = keys.key_group(block, index)
    return {"group": group, "prk": hkdf_extract(salt, group)}


def prove(case):
    parts = (h(case, "challenge"), h(case, "signPublicKey"), h(case, "agreePublicKey"))
    if keys.deployment_proof(h(case, "block"), *binding(case), *parts) != h(case, "bytes"):
        raise Refused("differs")


def read_frame(case):
    try:
        kind, number, content, end = frames.read_frame(h(case, "bytes"))
    except frames.Cut:
        raise Refused("cut") from None
    except frames.Damaged:
        raise Refused("damaged") from None
    require(frames.write_frame(kind, number, content) == h(case, "bytes")[:end], "frame is written differently")
    return {"kind": kind, "number": number, "content": content, "sizeBytes": end}


def hpke_rfc9180(case):
    private = X25519PrivateKey.from_private_bytes(h(case, "recipientPrivateKey"))
    ephemeral = X25519PrivateKey.from_private_bytes(h(case, "ephemeralPrivateKey"))
    psk = (h(case, "psk"), h(case, "pskId")) if case["mode"] == "psk" else (b"", b"")
    info, aad, plain = h(case, "info"), h(case, "aad"), h(case, "plain")
    sealed = hpke.seal(h(case, "recipientPublicKey"), info, aad, plain, *psk, ephemeral)
    require(sealed == (h(case, "enc"), h(case, "bytes")), "sealed differently")
    require(hpke.open_(private, *sealed, info, aad, *psk) == plain, "opened differently")


def cose_hpke(case):
    """The draft's own messages: their content is under ChaCha20-Poly1305 with a nonce in header parameter 5."""
    protected, unprotected, ciphertext, [[recipient, said, wrapped]] = decode(h(case, "bytes")[2:])
    header = decode(recipient)
    psk = (h(case, "psk"), header.at(cose.PSK_ID)) if "pskHex" in case else (b"", b"")
    info = encode(["HPKE Recipient", decode(protected).at(1), recipient, h(case, "extraInfo")])
    private = X25519PrivateKey.from_private_bytes(h(case, "recipientPrivateKey"))
    key = hpke.open_(private, said.at(cose.EK), wrapped, info, h(case, "hpkeAad"), *psk)
    aad = encode(["Encrypt", protected, h(case, "externalAad")])
    nonce = unprotected.at(5) or decode(protected).at(5)
    require(hpke.ChaCha20Poly1305(key).decrypt(nonce, ciphertext, aad) == h(case, "plain"), "another plaintext")


OPEN = {
    "segment": open_segment, "observations": open_observations, "envelope": open_envelope, "signed": open_signed, "data-package": open_package,
    "key-schedule": derive, "deployment": prove, "frame": read_frame, "hpke-rfc9180": hpke_rfc9180,
    "cose-hpke-draft-25": cose_hpke, "trsm-image": lambda case: keys.read_image(h(case, "bytes")),
    "blob": lambda case: {"plain": cose.open_blob(h(case, "key"), decode(h(case, "context")), h(case, "bytes"))},
    "passphrase": lambda case: {
        "plain": keys.open_with_passphrase(h(case, "passphrase"), case["purpose"], h(case, "bytes"))
    },
    "mail": lambda case: {"messages": uplink.read_mail(h(case, "bytes"))},
}  # fmt: skip


def outcome(run, case):
    try:
        return "accept", plain_json(run(case))
    except Refused as refused:
        return refused.code, None


def check_file(folder, name, counts):
    """Cases of one file of vectors, and faults as text."""
    with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    accepted = sum(case["expect"] == "accept" for case in cases)
    faults = []
    if (accepted, len(cases) - accepted) != counts:
        faults.append(f"{name}: {accepted} accepted and {len(cases) - accepted} refused, expected {counts}")
    for case in cases:
        code, decoded = outcome(OPEN[name], case)
        if code != case["expect"]:
            faults.append(f"{name}: {case['name']}: expected {case['expect']}, got {code}")
        elif decoded is not None and "decoded" in case and decoded != case["decoded"]:
            faults.append(f"{name}: {case['name']}: decoded {decoded}")
    return len(cases), faults


def check_all(folder):
    """What was run and found, and the structures that a terminal does not read."""
    expected = expected_counts(folder)
    known = [name for name in OPEN if name in expected]
    results = {name: check_file(folder, name, expected[name]) for name in known}
    missing = [f"{name}: not in vectors/README.md" for name in OPEN if name not in expected]
    return {
        "cases": {name: count for name, (count, _) in results.items()},
        "faults": missing + [fault for _, faults in results.values() for fault in faults],
        "notChecked": sorted(set(expected) - set(known)),
    }
