/** How a problem leaves. Source: RFC 9457 §3: the media type has no charset, which a text body would be given. */
import type { FastifyReply } from "fastify";
import { PROBLEM_MEDIA_TYPE, utf8, type Problem } from "@pericard/protocol";

/** Answers with a problem and its status. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(utf8(JSON.stringify(problem)));
}
