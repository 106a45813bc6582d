/** The operator's routes about moving an installation to engines. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Migration } from "../migration/migration.ts";
import { sendProgress } from "./answers.ts";
import { Type } from "./schema.ts";

export interface MigrationRouteParts {
  readonly migration: Migration;
}

/** The engines as `server.json` names them, checked where settings are. */
const Engines = Type.Object({});

/** Adds the routes. */
export const migrationRoutes =
  ({ migration }: MigrationRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = { action: "plan migration", subject: () => "installation" };
    app.post("/v1/migration/plan", { schema: { body: Engines }, config }, async ({ body }) =>
      migration.plan({ ...body }),
    );

    app.post(
      "/v1/migration",
      {
        schema: { body: Engines },
        config: { action: "migrate", subject: () => "installation" },
      },
      ({ body }, reply) => {
        const work = migration.run({ ...body });
        // A client that goes away ends the work too: it can be begun again at any time.
        reply.raw.once("close", () => {
          migration.told();
          work.return(undefined as never).catch((err: unknown) => app.log.warn({ err }, "migration ended"));
        });
        return sendProgress(reply, work);
      },
    );
  };
