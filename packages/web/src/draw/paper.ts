/** The whole paper, back to front. */
import { drawBands, drawGapLabels } from "./bands.ts";
import { drawGrid } from "./grid.ts";
import { drawGutter } from "./gutter.ts";
import { gutterPx } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { prepareSurface } from "./surface.ts";
import type { Surface } from "./surface.ts";
import { drawTraces } from "./traces.ts";

/** Draws a scene and publishes its mapping on the canvas (see {@link publishMapping}). */
export function drawPaper(canvas: HTMLCanvasElement, scene: Scene): void {
  const surface = prepareSurface(canvas, scene.widthPx, scene.heightPx, scene.devicePixelRatio);
  if (surface === undefined) return;
  drawGrid(surface, scene);
  inTraceArea(surface, scene, () => {
    drawBands(surface, scene);
    drawTraces(surface, scene);
    drawGapLabels(surface, scene);
  });
  drawGutter(surface, scene);
  publishMapping(canvas, scene);
}

/**
 * Data attributes that tell where each sample was drawn, in CSS px from the canvas's top left corner:
 * x = (frame - skewFrames - data-from-frame) * data-px-per-frame; traces are visible for x ≥ data-gutter-px;
 * y = data-row-baseline-px[lead] - (adu - baselineAdu) * data-px-per-adu[lead], arrays by the recording's lead index,
 * null for a lead that is not drawn. `data-lead-order` lists lead indices from top to bottom.
 */
export function publishMapping(canvas: HTMLCanvasElement, scene: Scene): void {
  const { rows } = scene.layout;
  const mappings = scene.recording.leads.map((_, index) => rows.find(({ mapping }) => mapping?.leadIndex === index));
  const { dataset } = canvas;
  dataset["fromFrame"] = String(scene.time.fromFrame);
  dataset["pxPerFrame"] = String(scene.time.pxPerFrame);
  dataset["gutterPx"] = String(gutterPx(scene));
  dataset["pxPerMm"] = String(scene.pxPerMm);
  dataset["speedMmPerS"] = String(scene.speedMmPerS);
  dataset["gainMmPerMv"] = String(scene.gainMmPerMv);
  dataset["rowBaselinePx"] = JSON.stringify(mappings.map((row) => row?.mapping?.baselinePx ?? null));
  dataset["pxPerAdu"] = JSON.stringify(mappings.map((row) => row?.mapping?.pxPerAdu ?? null));
  dataset["leadOrder"] = JSON.stringify(rows.map(({ lead }) => scene.recording.leads.indexOf(lead)));
  dataset["resolution"] = scene.tiles.find(({ loaded }) => loaded)?.loaded?.block.kind ?? "none";
  dataset["loading"] = String(scene.tiles.some(({ loaded, failed }) => loaded === undefined && !failed));
}

function inTraceArea({ context, widthPx, heightPx }: Surface, scene: Scene, draw: () => void): void {
  const edge = gutterPx(scene);
  context.save();
  context.beginPath();
  context.rect(edge, 0, widthPx - edge, heightPx);
  context.clip();
  draw();
  context.restore();
}
