/** The load: envelopes over keep-alive HTTP, a bounded number of them under way. */
import { SIGNED_MEDIA_TYPE } from "@pericard/protocol";
import { Agent, request, type IncomingMessage } from "node:http";
import { BenchError } from "./errors.ts";
import type { PreparedEnvelope } from "./fleet.ts";

export interface LoadPlan {
  /** Where to post. */
  readonly url: string;
  readonly token: string;
  readonly concurrency: number;
  /** The next envelope, or undefined when the round is over. */
  readonly next: () => PreparedEnvelope | undefined;
  /** Whether an answer is what the envelope deserves. */
  readonly accept: (answer: Uint8Array, envelope: PreparedEnvelope) => boolean;
}

export interface LoadReport {
  readonly accepted: number;
  readonly perSecond: number;
  /** Share of one core that making the load took; near 1 it would be the load that is measured. */
  readonly loadShare: number;
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

function readAnswer(response: IncomingMessage, done: (answer: Answer) => void): void {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  response.on("end", () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
}

function createPost({ url, token, concurrency }: LoadPlan) {
  const { hostname, port, pathname } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const headers = { authorization: `Bearer ${token}`, "content-type": SIGNED_MEDIA_TYPE };
  const options = { agent, host: hostname, port, path: pathname, method: "POST", headers };
  const post = (body: Uint8Array): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        response.on("error", reject);
        readAnswer(response, resolve);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  return { post, end: () => agent.destroy() };
}

function refused({ status, body }: Answer): BenchError {
  const said = new TextDecoder().decode(body.subarray(0, 300));
  return new BenchError("ERR_BENCH_REFUSED", `envelope got no receipt but status ${status}: ${said}`);
}

/**
 * Sends until there is no next envelope, and waits for every answer.
 *
 * @throws {BenchError} ERR_BENCH_REFUSED at the first answer that is not accepted.
 */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const { post, end } = createPost(plan);
  let accepted = 0;
  const lane = async (): Promise<void> => {
    for (let envelope = plan.next(); envelope; envelope = plan.next()) {
      const answer = await post(envelope.bytes);
      if (answer.status !== 200 || !plan.accept(answer.body, envelope)) throw refused(answer);
      accepted += 1;
    }
  };
  const begunMs = performance.now();
  const begunProcessor = process.cpuUsage();
  try {
    await Promise.all(Array.from({ length: plan.concurrency }, lane));
  } finally {
    end();
  }
  const elapsedMs = performance.now() - begunMs;
  const { user, system } = process.cpuUsage(begunProcessor);
  return { accepted, perSecond: (1000 * accepted) / elapsedMs, loadShare: (user + system) / (1000 * elapsedMs) };
}
