/** What is drawn on the paper: one immutable value per picture. */
import type { LoadedBlock } from "../data/missing-runs.ts";
import type { Gutter } from "../paper/gutter.ts";
import type { PaperLayout } from "../paper/layout.ts";
import type { TimeMapping } from "../paper/mapping.ts";
import type { Recording } from "../api/types.ts";

/** One tile in view: its contents if they are at hand, or that it could not be fetched. */
export interface TileView {
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly loaded: LoadedBlock | undefined;
  readonly failed: boolean;
}

/** Everything that the paper's picture depends on. Lengths in CSS px. */
export interface Scene {
  readonly recording: Recording;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly devicePixelRatio: number;
  readonly pxPerMm: number;
  readonly speedMmPerS: number;
  readonly gainMmPerMv: number;
  readonly gutter: Gutter;
  readonly time: TimeMapping;
  readonly layout: PaperLayout;
  /** Ascending, covering the visible part of the recording. */
  readonly tiles: readonly TileView[];
}

/** Width of the gutter in CSS px; traces start there. */
export function gutterPx(scene: Pick<Scene, "gutter" | "pxPerMm">): number {
  return scene.gutter.widthMm * scene.pxPerMm;
}
