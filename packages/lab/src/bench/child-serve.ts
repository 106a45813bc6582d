/** The inside of a child: answers its parent's questions until it is told to stop. */
import type { ChildAnswer, ChildMethods, ChildQuestion } from "./child-messages.ts";

async function answerTo(methods: ChildMethods, { method, argument }: ChildQuestion): Promise<ChildAnswer> {
  try {
    const found = methods[method];
    if (!found) throw new TypeError(`child has no method ${method}`);
    return { value: await found(argument as never) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Answers every question. After the answer to `stop`, which every child has, the process ends. */
export function serveParent(methods: ChildMethods & { stop(argument: never): unknown }): void {
  process.on("message", (question: ChildQuestion) => {
    void answerTo(methods, question).then((answer) =>
      process.send?.(answer, () => {
        if (question.method === "stop") process.exit(0);
      }),
    );
  });
  process.on("disconnect", () => process.exit(1));
}

/** Microseconds of processor time that this process has used, all threads together. */
export function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
