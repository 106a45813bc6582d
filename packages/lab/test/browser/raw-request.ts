/** One HTTP request whose path reaches the server as it is written. */
import { request } from "node:http";

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request without a body. `path` is not tidied: dots and doubled slashes stay. */
export function rawRequest(
  baseUrl: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}
