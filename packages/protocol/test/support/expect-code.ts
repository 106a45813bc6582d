import { expect } from "vitest";
import { ProtocolError, type ProtocolErrorCode } from "@pericard/protocol";

/** The error that `work` throws. Fails when it throws none. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.fail("expected an error, got none");
}

/** Expects a ProtocolError of one code. */
export function expectCode(work: () => unknown, code: ProtocolErrorCode): void {
  const error = thrownBy(work);
  expect(error).toBeInstanceOf(ProtocolError);
  expect((error as ProtocolError).code).toBe(code);
  expect((error as ProtocolError).retryable).toBe(false);
}
