/** What a thread and its owner say to each other. */

/** Functions that a thread offers. They run one after the other in the order of the calls. */
export type ThreadMethods = Record<string, (...args: never[]) => unknown>;

export interface ThreadCall {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** An error as it crosses threads: its class is lost, its code is not. */
export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

export type ThreadReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: ThreadFailure };
