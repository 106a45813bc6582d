import { expect, test, vi } from "vitest";
import { LruCache } from "../src/data/lru-cache.ts";
import { tilesIn } from "../src/data/tile-plan.ts";
import { TileStore } from "../src/data/tile-store.ts";
import type { WantedTile } from "../src/data/tile-store.ts";

interface Request {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

function storeWithRequests(budget = 10, concurrency = 2): { store: TileStore<string>; requests: Request[] } {
  const requests: Request[] = [];
  const fetch = ({ address }: WantedTile, signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      requests.push({ key: address.key, signal, resolve, reject });
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  return { store: new TileStore<string>({ fetch, costOf: () => 1, budget, concurrency }), requests };
}

function tiles(from: number, count: number, revision = "1"): WantedTile[] {
  const plan = { kind: "samples", framesPerTile: 10, framesPerBucket: 1 } as const;
  const addresses = tilesIn(plan, from * 10, (from + count) * 10, 1e6);
  return addresses.map((address) => ({ address, revision, availableToFrame: address.toFrame }));
}

function first(wanted: readonly WantedTile[]): WantedTile {
  const [tile] = wanted;
  if (tile === undefined) throw new TypeError("expected a tile");
  return tile;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("the most urgent tiles are fetched first, a few at a time", async () => {
  const { store, requests } = storeWithRequests();
  store.want(tiles(0, 3));
  expect(requests.map(({ key }) => key)).toEqual(["samples/10/0", "samples/10/1"]);
  requests[0]?.resolve("zero");
  await settled();
  expect(requests.map(({ key }) => key)).toEqual(["samples/10/0", "samples/10/1", "samples/10/2"]);
  expect(store.find(first(tiles(0, 1)).address)).toBe("zero");
});

test("wanting the same again asks nothing again", async () => {
  const { store, requests } = storeWithRequests();
  store.want(tiles(0, 2));
  for (const request of requests) request.resolve("x");
  await settled();
  store.want(tiles(0, 2));
  expect(requests).toHaveLength(2);
});

test("what is no longer wanted is aborted and is no failure", async () => {
  const { store, requests } = storeWithRequests();
  store.want(tiles(0, 2));
  store.want(tiles(1, 2));
  expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  await settled();
  expect(requests.at(-1)?.key).toBe("samples/10/2");
  expect(store.failureOf(first(tiles(0, 1)).address)).toBeUndefined();
});

test("a new revision is fetched while the old contents stay in view", async () => {
  const { store, requests } = storeWithRequests();
  store.want(tiles(0, 1));
  requests[0]?.resolve("old");
  await settled();
  store.want(tiles(0, 1, "2"));
  expect(store.find(first(tiles(0, 1)).address)).toBe("old");
  expect(store.isFresh(first(tiles(0, 1, "2")))).toBe(false);
  requests[1]?.resolve("new");
  await settled();
  expect(store.find(first(tiles(0, 1)).address)).toBe("new");
  expect(requests).toHaveLength(2);
});

test("a failure is told, does not repeat by itself, and can be tried again", async () => {
  const { store, requests } = storeWithRequests();
  const listener = vi.fn();
  store.subscribe(listener);
  store.want(tiles(0, 1));
  requests[0]?.reject(new TypeError("network"));
  await settled();
  expect(store.failureOf(first(tiles(0, 1)).address)?.code).toBe("ERR_SERVER_UNREACHABLE");
  expect(listener).toHaveBeenCalledTimes(1);
  expect(requests).toHaveLength(1);
  store.retry();
  expect(requests).toHaveLength(2);
});

test("stopping aborts everything", () => {
  const { store, requests } = storeWithRequests();
  store.want(tiles(0, 2));
  store.stop();
  expect(requests.every(({ signal }) => signal.aborted)).toBe(true);
});

test("the cache forgets what was used longest ago", () => {
  const cache = new LruCache<string>(3);
  for (const key of ["a", "b", "c"]) cache.set(key, key, 1);
  cache.touch("a");
  cache.set("d", "d", 1);
  expect(["a", "b", "c", "d"].map((key) => cache.peek(key))).toEqual(["a", undefined, "c", "d"]);
  expect(cache.cost).toBe(3);
});

test("replacing a value replaces its cost, and one large value is kept alone", () => {
  const cache = new LruCache<string>(3);
  cache.set("a", "1", 2);
  cache.set("a", "2", 3);
  expect([cache.peek("a"), cache.cost]).toEqual(["2", 3]);
  cache.set("b", "large", 9);
  expect([cache.peek("a"), cache.peek("b"), cache.cost]).toEqual([undefined, "large", 9]);
  expect(() => new LruCache(0)).toThrow(RangeError);
});
