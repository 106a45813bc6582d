/** What commands print: text for people, or with `--json` one JSON value for programs. Progress goes to stderr. */

/** How a command talks. */
export interface Output {
  /** The result of the command. `lines` is the same for people. */
  result(value: unknown, lines: readonly string[]): void;
  /** Something that happens on the way; silent with `--json`. */
  note(line: string): void;
  /** Replaces the line before on a terminal; silent elsewhere. */
  progress(line: string): void;
}

/** Output for people. */
export function textOutput(): Output {
  let open = false;
  const endLine = (): void => {
    if (open) process.stderr.write("\n");
    open = false;
  };
  return {
    result: (_value, lines) => {
      endLine();
      for (const line of lines) process.stdout.write(`${line}\n`);
    },
    note: (line) => {
      endLine();
      process.stderr.write(`${line}\n`);
    },
    progress: (line) => {
      if (!process.stderr.isTTY) return;
      process.stderr.write(`\r${line}\u001b[K`);
      open = true;
    },
  };
}

/** Output for programs: one line of JSON for each result. */
export function jsonOutput(): Output {
  return {
    result: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    note: () => undefined,
    progress: () => undefined,
  };
}

/** The output that the option `--json` asks for. */
export function outputFor(options: { readonly json?: boolean }): Output {
  return options.json ? jsonOutput() : textOutput();
}

/** A table as lines, columns as wide as they need. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** How much of a whole is done, as a bar of 30 signs and a share. */
export function bar(done: number, whole: number): string {
  const signs = Math.floor((30 * done) / whole);
  return `[${"#".repeat(signs).padEnd(30, ".")}] ${done} of ${whole}`;
}

/** Bytes as people read them. */
export function bytesText(sizeBytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
  return `${(sizeBytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Tells an error and sets the exit code. With a cause, its message follows. */
export function reportError(error: unknown, json: boolean): void {
  const { code, message, cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  const known = typeof code === "string" && code.startsWith("ERR_") ? code : "ERR_INTERNAL";
  const text = typeof message === "string" ? message : String(error);
  const because = cause instanceof Error ? `: ${cause.message}` : "";
  if (json) process.stderr.write(`${JSON.stringify({ error: { code: known, message: `${text}${because}` } })}\n`);
  else process.stderr.write(`pericard: ${text}${because} (${known}; see docs/errors.md)\n`);
  if (known === "ERR_INTERNAL" && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  process.exitCode = known === "ERR_USAGE" ? 2 : 1;
}
