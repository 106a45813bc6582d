/** The tiles of the stage in view: fetched, kept and watched. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Api, Described } from "../api/client.ts";
import type { SampleBlock, SummaryBlock } from "../api/types.ts";
import { loadedBlock, sizeBytesOf } from "../data/missing-runs.ts";
import type { LoadedBlock } from "../data/missing-runs.ts";
import { TileStore } from "../data/tile-store.ts";
import type { WantedTile } from "../data/tile-store.ts";
import type { TileView } from "../draw/scene.ts";
import { wholeSamples } from "../data/whole-samples.ts";
import { useServices } from "../services.ts";
import type { Stage } from "./stage.ts";

/** About four minutes of twelve leads at 500 Hz. */
const CACHE_BUDGET_BYTES = 64 << 20;
const CONCURRENCY = 4;

/** Tiles as the scene needs them, and how their fetching goes. */
export interface Tiles {
  readonly views: readonly TileView[];
  readonly failed: boolean;
  readonly retry: () => void;
}

/** The cache of one recording's tiles; a new one for every recording. */
export function useTileStore(described: Described): TileStore<LoadedBlock> {
  const { api } = useServices();
  return useMemo(
    () =>
      new TileStore<LoadedBlock>({
        fetch: async (tile, signal) => loadedBlock(await fetchTile(api, described, tile, signal)),
        costOf: sizeBytesOf,
        budget: CACHE_BUDGET_BYTES,
        concurrency: CONCURRENCY,
      }),
    [api, described],
  );
}

/** Asks for the stage's tiles, those in view first, and re-renders when one arrives. */
export function useTiles(store: TileStore<LoadedBlock>, stage: Stage): Tiles {
  useSyncExternalStore(store.subscribe, store.version);
  useEffect(() => store.want([...stage.visible, ...stage.beside]), [store, stage]);
  useEffect(() => () => store.stop(), [store]);
  useEffect(() => {
    const retry = (): void => store.retry();
    addEventListener("online", retry);
    return () => removeEventListener("online", retry);
  }, [store]);
  const views = stage.visible.map((tile) => tileView(store, tile));
  return { views, failed: views.some(({ failed }) => failed), retry: () => store.retry() };
}

function tileView(store: TileStore<LoadedBlock>, { address }: WantedTile): TileView {
  const { fromFrame, toFrame } = address;
  return { fromFrame, toFrame, loaded: store.find(address), failed: store.failureOf(address) !== undefined };
}

function fetchTile(
  api: Api,
  recording: Described,
  { address, availableToFrame }: WantedTile,
  signal: AbortSignal,
): Promise<SampleBlock | SummaryBlock> {
  const range = { fromFrame: address.fromFrame, toFrame: availableToFrame };
  if (address.kind === "samples") return wholeSamples((part) => api.samples(recording, part, signal), range);
  return api.summary(recording, range, (range.toFrame - range.fromFrame) / address.framesPerBucket, signal);
}
