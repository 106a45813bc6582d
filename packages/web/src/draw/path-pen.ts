/** A pen on a path that is lifted where samples are missing. Works on anything with moveTo and lineTo. */

/** The part of a canvas path that traces need. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** Length in CSS px given to a sample without neighbours, which otherwise would leave no mark. */
const LONE_SAMPLE_PX = 0.75;

/** Joins points until lifted; never joins across a lift. */
export class PathPen {
  readonly #sink: PathSink;
  #count = 0;
  #lastX = 0;
  #lastY = 0;

  constructor(sink: PathSink) {
    this.#sink = sink;
  }

  /** Draws to a point, or starts there after a lift. */
  to(x: number, y: number): void {
    if (this.#count === 0) this.#sink.moveTo(x, y);
    else this.#sink.lineTo(x, y);
    this.#count += 1;
    this.#lastX = x;
    this.#lastY = y;
  }

  /** Ends the line. A line of one point is drawn as a dot. */
  lift(): void {
    if (this.#count === 1) this.#sink.lineTo(this.#lastX + LONE_SAMPLE_PX, this.#lastY);
    this.#count = 0;
  }
}
