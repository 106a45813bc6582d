/** Why an input is no observation. */
import { ProtocolError } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";

/** The refusal of an input. @param reason what is wrong with it, in words for whoever set the sensor up. */
export function refusal(reason: string, options?: ErrorOptions): TerminalError {
  return new TerminalError("ERR_BRIDGE_INPUT", reason, options);
}

/** Calls a reader of a field, whose refusal is one of the input. */
export function readOrRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw refusal(cause.message, { cause });
    throw cause;
  }
}
