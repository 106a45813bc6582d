/** The operator's routes about file systems. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { ControlArea } from "../control/control-area.ts";
import { Type } from "./schema.ts";

export interface VolumeRouteParts {
  readonly control: ControlArea;
}

const Volumes = Type.Object({
  volumes: Type.Array(Type.Object({ volumeId: Type.String(), state: Type.String() })),
});

/** Adds the routes. */
export const volumeRoutes =
  ({ control }: VolumeRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get("/v1/volumes", { schema: { response: { 200: Volumes } } }, async () => ({
      volumes: [...control.state.channels],
    }));
  };
