/**
 * The part of the optional package `pkcs11js` that custody needs. It is native code, so it is loaded when a token is used
 * and not before.
 *
 * Source: PKCS #11 v2.40.
 */
import { createRequire } from "node:module";
import { CustodyError } from "./errors.ts";

/** An object or session of a token; only the library looks inside. */
export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value: number | boolean | string | Buffer;
}

export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: Readonly<Record<string, unknown>>;
}

/** One loaded module. Names are those of the standard. */
export interface Library {
  load(path: string): void;
  C_Initialize(options?: { readonly flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): readonly Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, countMax: number): readonly Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Handle;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Encrypt(session: Handle, plain: Buffer, room: Buffer): Buffer;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Decrypt(session: Handle, sealed: Buffer, room: Buffer): Buffer;
}

/** Numbers of the standard, and the package's number for the parameter of AES-GCM. */
export const CK = {
  osLockingOk: 2,
  rwSession: 2,
  serialSession: 4,
  user: 1,
  secretKey: 4,
  aes: 0x1f,
  keyGen: 0x1080,
  gcm: 0x1087,
  attribute: {
    class: 0,
    token: 1,
    private: 2,
    label: 3,
    keyType: 0x100,
    id: 0x102,
    sensitive: 0x103,
    encrypt: 0x104,
    decrypt: 0x105,
    wrap: 0x106,
    unwrap: 0x107,
    valueLength: 0x161,
    extractable: 0x162,
  },
  error: { generalError: 5, functionFailed: 6, encryptedDataInvalid: 0x40, encryptedDataLength: 0x41, aead: 0x42 },
  pinIncorrect: 0xa0,
  alreadyLoggedIn: 0x100,
  alreadyInitialized: 0x191,
} as const;

interface Package {
  readonly PKCS11: new () => Library;
  readonly CK_PARAMS_AES_GCM: number;
}

/** The library over a module's file, ready, and the number of the GCM parameter. @throws {CustodyError} ERR_KEK_TOKEN. */
export function loadLibrary(modulePath: string): { readonly library: Library; readonly gcmParameter: number } {
  const { PKCS11, CK_PARAMS_AES_GCM } = requirePackage();
  try {
    const library = new PKCS11();
    library.load(modulePath);
    ignoring(CK.alreadyInitialized, () => library.C_Initialize({ flags: CK.osLockingOk }));
    return { library, gcmParameter: CK_PARAMS_AES_GCM };
  } catch (cause) {
    throw new CustodyError("ERR_KEK_TOKEN", "PKCS#11 module cannot be loaded", { cause });
  }
}

function requirePackage(): Package {
  try {
    return createRequire(import.meta.url)("pkcs11js") as Package;
  } catch (cause) {
    throw new CustodyError("ERR_KEK_TOKEN", "package pkcs11js is not installed: npm install pkcs11js@2.1.7", { cause });
  }
}

/** The standard's number of an error that the library threw. */
export function errorNumber(error: unknown): number {
  return Number((error as { readonly code?: unknown }).code ?? Number.NaN);
}

/** Does something that may have been done by another thread of this process. */
export function ignoring(number: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errorNumber(error) !== number) throw error;
  }
}
