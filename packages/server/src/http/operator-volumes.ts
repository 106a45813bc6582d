/** The operator's routes about file systems. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { isAbsolute } from "node:path";
import type { CopyComparison } from "@pericard/custody";
import { describeVolumes, type VolumeDescriptionParts } from "../control/volume-states.ts";
import { ServerError } from "../errors.ts";
import { sendProgress } from "./answers.ts";
import { Type } from "./schema.ts";

export type VolumeRouteParts = VolumeDescriptionParts;

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const CountOrNull = Type.Union([Type.Integer(), Type.Null()]);

const Drain = Type.Object({
  sinceUnixMs: Type.Integer(),
  moved: Type.Integer(),
  stuck: Type.Integer(),
  emptyAtUnixMs: CountOrNull,
});

const Volume = Type.Object({
  volumeId: TextOrNull,
  place: Type.String(),
  state: Type.String(),
  reason: TextOrNull,
  sinceUnixMs: Type.Integer(),
  queuedItems: Type.Integer(),
  queuedBytes: Type.Integer(),
  copies: Type.Integer(),
  drain: Type.Union([Drain, Type.Null()]),
  packBytes: CountOrNull,
  freeBytes: CountOrNull,
});

const Scrub = Type.Object({
  items: Type.Integer(),
  bytes: Type.Integer(),
  bad: Type.Integer(),
  healed: Type.Integer(),
  made: Type.Integer(),
  missing: Type.Integer(),
  lost: Type.Integer(),
  begunAtUnixMs: Type.Integer(),
  completedAtUnixMs: CountOrNull,
});

const Repair = Type.Object({
  items: Type.Integer(),
  made: Type.Integer(),
  missing: Type.Integer(),
  isUnderWay: Type.Boolean(),
});

const KeyCopies = Type.Object({
  unreadable: Type.Array(Type.String()),
  differences: Type.Array(
    Type.Object({
      folderPaths: Type.Array(Type.String()),
      table: Type.String(),
      rowCounts: Type.Array(Type.Integer()),
    }),
  ),
});

const Volumes = Type.Object({
  volumes: Type.Array(Volume),
  /** The walk in the background; null before the first. */
  scrub: Type.Union([Scrub, Type.Null()]),
  repair: Repair,
  /** What the last comparison of the key store's copies found; null before the first. */
  keyCopies: Type.Union([KeyCopies, Type.Null()]),
});

const ScrubWish = Type.Object({ volumeId: Type.Optional(Type.String({ maxLength: 64 })) });

const NewVolume = Type.Object({ path: Type.String({ maxLength: 4096 }) });
const VolumeParameters = Type.Object({ volumeId: Type.String({ maxLength: 64 }) });
const Added = Type.Object({ volumeId: Type.String(), place: Type.String() });

/** Answers have arrays that nobody else holds. */
function copiesAnswer(found: CopyComparison | null) {
  if (!found) return null;
  const differences = found.differences.map(({ folderPaths, table, rowCounts }) => {
    return { folderPaths: [...folderPaths], table, rowCounts: [...rowCounts] };
  });
  return { unreadable: [...found.unreadable], differences };
}

const forVolume = (action: string) => ({ schema: { params: VolumeParameters }, config: { action } });

/** Adds the routes. */
export const volumeRoutes =
  (parts: VolumeRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { presence, scrubber, repairer, admin, keyHolders } = parts.volumeCare;
    const requireVolume = (volumeId: string): string => {
      if (presence.isKnown(volumeId)) return volumeId;
      throw new ServerError("ERR_NOT_FOUND", `no volume has the id ${volumeId}: see "pericard volumes list"`);
    };

    app.get("/v1/volumes", { schema: { response: { 200: Volumes } } }, async () => ({
      volumes: [...(await describeVolumes(parts))],
      scrub: scrubber.state ?? null,
      repair: repairer.state,
      keyCopies: copiesAnswer(keyHolders.comparison),
    }));

    app.post(
      "/v1/key-copies/compare",
      { schema: { response: { 200: KeyCopies } }, config: { action: "compare key copies" } },
      async () => copiesAnswer(await keyHolders.compare()) ?? { unreadable: [], differences: [] },
    );

    app.post("/v1/volumes/scrub", { schema: { body: ScrubWish }, config: { action: "scrub" } }, (request, reply) => {
      const { volumeId } = request.body;
      return sendProgress(reply, scrubber.scrubNow(volumeId === undefined ? undefined : requireVolume(volumeId)));
    });

    app.post(
      "/v1/volumes",
      {
        schema: { body: NewVolume, response: { 200: Added } },
        config: { action: "add volume", subject: ({ body }) => (body as { path: string }).path },
      },
      async ({ body: { path } }) => {
        if (!isAbsolute(path)) throw new ServerError("ERR_REQUEST_RANGE", "path of a volume is not absolute");
        const { id, place } = await admin.add(path);
        return { volumeId: id, place };
      },
    );

    app.post("/v1/volumes/:volumeId/drain", forVolume("drain volume"), ({ params }) => admin.drain(params.volumeId));
    app.delete("/v1/volumes/:volumeId/drain", forVolume("cancel draining"), async ({ params }) => {
      await admin.cancelDrain(params.volumeId);
      return {};
    });
    app.delete("/v1/volumes/:volumeId", forVolume("remove volume"), async ({ params }) => {
      await admin.remove(params.volumeId);
      return {};
    });
  };
