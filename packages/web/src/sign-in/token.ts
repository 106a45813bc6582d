/** The one-time token in a sign-in link's fragment, which browsers never send to a server by themselves. */

const TOKEN_LENGTH_MAX = 4096;

/** Token from `#token=…`, or undefined when there is none or it is absurdly long. */
export function tokenOf(hash: string): string | undefined {
  const token = new URLSearchParams(hash.replace(/^#/u, "")).get("token") ?? "";
  return token === "" || token.length > TOKEN_LENGTH_MAX ? undefined : token;
}
