/** The secret that sensors of a site show: an HTTP bearer token, or an MQTT password. */
import { equalSecrets, sha256 } from "@pericard/crypto";
import { utf8 } from "@pericard/protocol";

/** Whether somebody shows the token. */
export type TokenCheck = (shown: Uint8Array | undefined) => boolean;

/** The check of a token; without one, everybody is admitted. */
export function tokenCheck(token: string | undefined): TokenCheck {
  if (token === undefined) return () => true;
  const wanted = sha256(utf8(token));
  return (shown) => shown !== undefined && equalSecrets(sha256(shown), wanted);
}
