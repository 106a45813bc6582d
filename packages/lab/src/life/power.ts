/** A terminal's power supply, which fails on purpose around a write. */
import type { Folder } from "@pericard/framelog";
import type { CutMoment } from "./plan.ts";

export class Power {
  #armed: Exclude<CutMoment, "at rest"> | undefined;
  #isGone = false;

  /** Whether power went: nothing that was being done counts any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Lets power go around the next write. */
  arm(moment: Exclude<CutMoment, "at rest">): void {
    this.#armed = moment;
  }

  /** Power is back. */
  restore(): void {
    this.#isGone = false;
    this.#armed = undefined;
  }

  /** A folder on this power. */
  supply(folder: Folder): Folder {
    return { ...folder, replace: (name, contents) => this.#write(() => folder.replace(name, contents)) };
  }

  #write(work: () => void): void {
    const moment = this.#armed;
    if (moment !== "before write") work();
    if (!moment) return;
    this.#isGone = true;
    throw new Error("power is gone");
  }
}
