/** How applications answer: every error and unknown path as a problem, and long work line by line. */
import { PROBLEM_MEDIA_TYPE, problem, type Problem } from "@pericard/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Readable } from "node:stream";
import { problemOf, QUOTA_RETRY_AFTER_SECONDS, RETRY_AFTER_SECONDS } from "./problems.ts";

/** Answers errors with problem+json. What is the server's own fault is logged with its cause. */
export function addProblemHandlers(app: FastifyInstance): void {
  app.setErrorHandler((error, _request, reply) => {
    const refusal = problemOf(error);
    if (refusal.status >= 500) app.log.error({ code: refusal.code, err: error }, "request failed");
    if (refusal.code === "ERR_CLIENT_UNKNOWN") void reply.header("www-authenticate", "Bearer");
    if (refusal.status === 503 || refusal.status === 429) void reply.header("retry-after", retryAfterOf(refusal));
    return reply.code(refusal.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(refusal));
  });
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .type(PROBLEM_MEDIA_TYPE)
      .send(JSON.stringify(problem(404, "ERR_NOT_FOUND", "not found"))),
  );
}

function retryAfterOf({ code }: Problem): number {
  return code === "ERR_QUOTA_EXCEEDED" ? QUOTA_RETRY_AFTER_SECONDS : RETRY_AFTER_SECONDS;
}

const PROGRESS_MEDIA_TYPE = "application/x-ndjson";

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

async function* linesOf(work: AsyncGenerator<unknown, unknown>): AsyncGenerator<string> {
  try {
    let step = await work.next();
    for (; !step.done; step = await work.next()) yield line({ progress: step.value });
    yield line({ result: step.value });
  } catch (error) {
    yield line({ problem: problemOf(error) });
  }
}

/**
 * Answers long work as lines of JSON: `{"progress": …}` for what the generator yields, then `{"result": …}` for what it returns or
 * `{"problem": …}`. An answer without one of the last two was cut. Source: docs/format.md §9.5.
 *
 * The work itself belongs to a room of the server: a client that goes away
 * ends the telling, not the work.
 */
export function sendProgress(reply: FastifyReply, work: AsyncGenerator<unknown, unknown>): FastifyReply {
  return reply.type(PROGRESS_MEDIA_TYPE).send(Readable.from(linesOf(work)));
}
