/** The operator's routes about what is kept for how long, and the space of what is not. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { DATA_TYPES } from "@pericard/custody";
import { TenantId } from "@pericard/protocol";
import { setTimeout } from "node:timers/promises";
import type { CompactionProgress, Compactor } from "../control/compaction.ts";
import type { Retention } from "../erasure/retention.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import { sendProgress } from "./answers.ts";
import { Type } from "./schema.ts";

export interface SpaceRouteParts {
  readonly compactor: Compactor;
  readonly retention: Retention;
  readonly keyStore: KeyStorePort;
}

const TELL_MS = 250;
const DAYS_MAX = 36_600;

const RuleBody = Type.Object({
  tenant: Type.Optional(Type.String()),
  type: Type.Union(DATA_TYPES.map((type) => Type.Literal(type))),
  /** Absent: for ever. Not null, which the validator would make of 0. */
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: DAYS_MAX })),
});

/** Tells how a run goes, until it has ended. */
async function* follow(
  compactor: Compactor,
  run: Promise<CompactionProgress>,
): AsyncGenerator<CompactionProgress, CompactionProgress> {
  for (;;) {
    const ended = await Promise.race([run, setTimeout(TELL_MS)]);
    if (ended) return ended;
    yield compactor.progress;
  }
}

/** The tenant that a request names, or the only one there is. @throws {ServerError} ERR_REQUEST_RANGE. */
async function requireTenant(keyStore: KeyStorePort, named: string | undefined): Promise<TenantId> {
  const tenants = await keyStore.tenants();
  const wanted = named === undefined ? undefined : TenantId.parse(named);
  const found = wanted === undefined ? tenants : tenants.filter(({ id }) => id === wanted);
  const [first, second] = found;
  if (first && !second) return first.id;
  throw new ServerError("ERR_REQUEST_RANGE", "name one of the tenants");
}

/** Adds the routes. */
export const spaceRoutes =
  ({ compactor, retention, keyStore }: SpaceRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post("/v1/compaction", { config: { action: "compact", subject: () => "installation" } }, (_request, reply) =>
      sendProgress(reply, follow(compactor, compactor.run("now"))),
    );

    app.get("/v1/retention", async () => ({ rules: await keyStore.retention() }));

    app.put(
      "/v1/retention",
      {
        schema: { body: RuleBody },
        config: {
          action: "set retention",
          subject: ({ body }) => {
            const { type, days } = body as { type: string; days?: number };
            return `${type} ${days ?? "for ever"}`;
          },
        },
      },
      async ({ body }) => {
        const tenant = await requireTenant(keyStore, body.tenant);
        await keyStore.setRetention(tenant, body.type, body.days ?? null);
        return { rules: await keyStore.retention() };
      },
    );

    app.get("/v1/retention/plan", async () => retention.plan());

    app.post("/v1/retention/run", { config: { action: "apply retention", subject: () => "installation" } }, async () =>
      retention.run(),
    );
  };
