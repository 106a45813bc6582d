/** From a stage and its tiles to what is drawn. */
import type { Scene, TileView } from "../draw/scene.ts";
import type { Stage } from "./stage.ts";

/** Scene of a stage. */
export function sceneOf(stage: Stage, tiles: readonly TileView[]): Scene {
  const { recording, paper, settled, gainMmPerMv, gutter, time, layout } = stage;
  return {
    recording,
    widthPx: paper.widthPx,
    heightPx: Math.ceil(Math.max(layout.heightPx, paper.heightPx)),
    devicePixelRatio: paper.devicePixelRatio,
    pxPerMm: paper.pxPerMm,
    speedMmPerS: settled.speedMmPerS,
    gainMmPerMv,
    gutter,
    time,
    layout,
    tiles,
  };
}
