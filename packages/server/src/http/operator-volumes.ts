/** The operator's routes about file systems. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { describeVolumes, type VolumeStateParts } from "../control/volume-states.ts";
import { Type } from "./schema.ts";

export type VolumeRouteParts = VolumeStateParts;

const orNull = <T extends ReturnType<typeof Type.Integer> | ReturnType<typeof Type.String>>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const Volume = Type.Object({
  volumeId: orNull(Type.String()),
  place: Type.String(),
  state: Type.String(),
  reason: orNull(Type.String()),
  sinceUnixMs: Type.Integer(),
  queuedItems: Type.Integer(),
  queuedBytes: Type.Integer(),
  packBytes: orNull(Type.Integer()),
  freeBytes: orNull(Type.Integer()),
});

const Volumes = Type.Object({ volumes: Type.Array(Volume) });

/** Adds the routes. */
export const volumeRoutes =
  (parts: VolumeRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get("/v1/volumes", { schema: { response: { 200: Volumes } } }, async () => ({
      volumes: [...(await describeVolumes(parts))],
    }));
  };
