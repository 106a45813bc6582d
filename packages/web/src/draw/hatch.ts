/** Diagonal hatching: the sign for "nothing was recorded here". */
import { PALETTE } from "./palette.ts";
import type { Surface } from "./surface.ts";

/** Rectangle in CSS px. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const SPACING_PX = 7;

/** Hatches the union of the boxes; where they overlap nothing is drawn twice. */
export function drawHatch({ context, widthPx, heightPx }: Surface, boxes: readonly Box[]): void {
  const seen = boxes.filter((box) => box.left < widthPx && box.left + box.width > 0);
  if (seen.length === 0) return;
  context.save();
  context.beginPath();
  for (const box of seen) context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.fillStyle = PALETTE.hatchGround;
  context.fillRect(0, 0, widthPx, heightPx);
  context.strokeStyle = PALETTE.hatchLine;
  context.lineWidth = 1;
  context.stroke(diagonals(Math.min(...seen.map(({ left }) => left)), widthPx, heightPx));
  context.restore();
}

function diagonals(leftPx: number, widthPx: number, heightPx: number): Path2D {
  const path = new Path2D();
  const first = Math.floor(Math.max(0, leftPx) / SPACING_PX) * SPACING_PX;
  for (let x = first; x < widthPx + heightPx; x += SPACING_PX) {
    path.moveTo(x, 0);
    path.lineTo(x - heightPx, heightPx);
  }
  return path;
}
