/** problem+json (RFC 9457) answers as errors, and errors as sentences for people. Shared by both pages. */
import { WebError } from "../errors.ts";

/** Error for an answer outside 200–299. Reads the body, which need not be problem+json. */
export async function refusalOf(response: Response): Promise<WebError> {
  const problem = await readProblem(response);
  const message = problem.detail || problem.title || `the server answered ${response.status}`;
  return new WebError("ERR_ANSWER_REFUSED", message, {
    status: response.status,
    problemCode: problem.code,
    retryable: response.status === 429 || response.status >= 500,
  });
}

/** What happened and what to do, in one or two plain sentences. */
export function explain(error: WebError): string {
  if (error.code === "ERR_SERVER_UNREACHABLE") return "The server cannot be reached. Check the network and try again.";
  if (error.code === "ERR_ANSWER_MALFORMED") return `The server's answer cannot be trusted: ${error.message}.`;
  if (error.status === 403) return "This account may not see this.";
  if (error.status === 404) return "There is nothing here that this account can see.";
  if (error.status === 503) return "The server is busy. It will answer again in a moment.";
  return `The server could not do this: ${error.message}`;
}

interface Problem {
  readonly title: string;
  readonly code: string;
  readonly detail: string;
}

async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text();
  const body = parseObject(text);
  return { title: textAt(body, "title"), code: textAt(body, "code"), detail: textAt(body, "detail") };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textAt(body: Readonly<Record<string, unknown>>, key: string): string {
  const value = body[key];
  return typeof value === "string" ? value.slice(0, 500) : "";
}
