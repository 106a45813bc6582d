/** Certificates made for one test run. Source: RFC 5280 §4.1; X.690. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Uint8Array.from([tag, ...length]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
const oid = (hex: string): Uint8Array => der(0x06, Buffer.from(hex, "hex"));
const time = (unixMs: number): Uint8Array =>
  der(0x17, Buffer.from(`${new Date(unixMs).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}Z`));

const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));

function nameOf(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(commonName)))));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), der(0x01, Uint8Array.of(0xff)), der(0x04, value));
}

const IS_CA = extension("551d13", sequence(der(0x01, Uint8Array.of(0xff))));
const FOR_LOOPBACK = extension(
  "551d11",
  sequence(der(0x87, Uint8Array.of(127, 0, 0, 1)), der(0x82, Buffer.from("localhost"))),
);

function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** A certificate and its key, as texts of PEM files. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** Who signs certificates. */
export interface Authority {
  readonly cert: string;
  /** A certificate for 127.0.0.1 and localhost, and for a client of that name. */
  issue(commonName: string): Certified;
}

function certify(subject: string, publicKey: KeyObject, issuer: string, issuerKey: KeyObject, isCa: boolean): string {
  const now = Date.now();
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(1), randomBytes(8)),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(time(now - 3_600_000), time(now + 86_400_000)),
    nameOf(subject),
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(isCa ? IS_CA : FOR_LOOPBACK)),
  );
  const signature = der(0x03, Uint8Array.of(0), sign("sha256", body, issuerKey));
  return pem("CERTIFICATE", sequence(body, ECDSA_SHA256, signature));
}

/** A new authority. */
export function makeAuthority(name = "authority of a test"): Authority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    cert: certify(name, publicKey, name, privateKey, true),
    issue: (commonName) => {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = certify(commonName, own.publicKey, name, privateKey, false);
      return { cert, key: own.privateKey.export({ format: "pem", type: "pkcs8" }) as string };
    },
  };
}
