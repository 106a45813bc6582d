/** What this process and a child say to each other: questions one after the other, each with one answer. */

/** Functions that a child offers; each takes one argument or none. */
export type ChildMethods = Record<string, (argument: never) => unknown>;

export interface ChildQuestion {
  readonly method: string;
  readonly argument: unknown;
}

export type ChildAnswer = { readonly value: unknown } | { readonly failure: string };
