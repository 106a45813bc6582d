/** What answers in the place of a server that stands still: come again. */
import { PROBLEM_MEDIA_TYPE, problem } from "@pericard/protocol";
import { createServer } from "node:http";
import { RETRY_AFTER_SECONDS } from "./problems.ts";

/** Listens, and answers every request with 503. @returns ends it. */
export async function standIn(host: string, port: number): Promise<() => Promise<void>> {
  const body = JSON.stringify(problem(503, "ERR_STORE_UNAVAILABLE", "server is being moved: come again"));
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(503, {
      "content-type": PROBLEM_MEDIA_TYPE,
      "retry-after": String(RETRY_AFTER_SECONDS),
      connection: "close",
    });
    response.end(body);
  });
  await new Promise<void>((done, refuse) => {
    server.once("error", refuse);
    server.listen(port, host, done);
  });
  return () =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
}
