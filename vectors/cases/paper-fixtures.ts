/** Keys of the vectors of suite paper-2018. They protect nothing: everybody can read them here. */
import { createPublicKey } from "node:crypto";
import {
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  SyntheticTenant,
  type KeyObject,
} from "@pericard/crypto";
import { fromHex } from "@pericard/protocol";
import { BINDING, BLOCK, USE } from "./fixtures.ts";
import { OTHER_RSA_HEX, SERVER_RSA_HEX, TERMINAL_RSA_HEX } from "./paper-rsa-keys.ts";

/** Leave for the tenant of the fixtures. */
export const LEAVE = SyntheticTenant.admit({ id: BINDING.tenant, synthetic: true });

/** An RSA key pair as objects and in DER. */
export interface RsaPair {
  readonly privateDer: Uint8Array;
  readonly publicDer: Uint8Array;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function pairOf(hex: string): RsaPair {
  const privateDer = fromHex(hex);
  const privateKey = paperRsaPrivate(LEAVE, privateDer);
  const publicDer = new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }));
  return { privateDer, publicDer, privateKey, publicKey: paperRsaPublic(LEAVE, publicDer) };
}

export const SERVER_RSA = pairOf(SERVER_RSA_HEX);
export const TERMINAL_RSA = pairOf(TERMINAL_RSA_HEX);
export const OTHER_RSA = pairOf(OTHER_RSA_HEX);

export const PAPER_STORAGE_KEY = paperStorageKey(LEAVE, BLOCK, USE.index);
export const PAPER_TRANSPORT_KEY = paperTransportKey(LEAVE, BLOCK, USE.index);
