/** Who may do what, how that is asked, and what is written down about it. */
import { sha256 } from "@pericard/crypto";
import type { Account, Tenant } from "@pericard/custody";
import { encodeCbor, RecordingId, TenantId, type PatientId } from "@pericard/protocol";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdirSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { pino } from "pino";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Audit } from "../src/access/audit.ts";
import { mayList, mayRead, type Action } from "../src/access/policy.ts";
import { SESSION_LIFETIME_MS } from "../src/access/sessions.ts";
import { buildApp } from "../src/http/app.ts";
import { linkFor, readerOf, signIn } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { temporaryFolder, TestInstallation, UPLOAD_TOKEN } from "./support/test-server.ts";

let site: TestInstallation;
let otherTenant: Tenant;
let recording: TestRecording;
let patient: PatientId;
let unassigned: TestRecording;

beforeAll(async () => {
  site = await new TestInstallation({ viewerPath: makeViewer() }).start();
  const owner = site.terminalOf("somebody");
  patient = owner.patient.id;
  recording = new TestRecording(owner.terminal);
  await site.post(owner.terminal.envelope(recording.next().sealed));
  const terminal = site.terminal();
  unassigned = new TestRecording(terminal);
  await site.post(terminal.envelope(unassigned.next().sealed));
  otherTenant = site.store.addTenant("Other tenant", true, site.clock.unixMs);
});
afterAll(() => site.remove());

/** A built viewer of four files. */
function makeViewer(): string {
  const path = join(temporaryFolder(), "viewer");
  for (const folder of ["assets", "sign-in-assets"]) {
    mkdirSync(join(path, folder), { recursive: true });
    writeFileSync(join(path, folder, "a.js"), `"${folder}"`);
  }
  for (const name of ["index", "sign-in"]) writeFileSync(join(path, `${name}.html`), `<title>${name}</title>`);
  return path;
}

interface AuditRow {
  readonly number: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: string;
  readonly hash: Uint8Array;
}

function auditRows(): readonly AuditRow[] {
  const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
  const rows = database.prepare("SELECT * FROM audit ORDER BY number").all();
  database.close();
  return rows.map((row) => ({
    number: Number(row["number"]),
    at: Number(row["at_ms"]),
    actor: String(row["actor"]),
    action: String(row["action"]),
    subject: String(row["subject"]),
    outcome: String(row["outcome"]),
    hash: row["hash"] as Uint8Array,
  }));
}

const get = (path: string, cookie = ""): Promise<Response> =>
  fetch(`${site.server.url}${path}`, { headers: { cookie }, redirect: "manual" });

describe("the table of roles", () => {
  const tenant = TenantId.parse("11".repeat(16));
  const another = TenantId.parse("22".repeat(16));
  const ACTIONS: readonly Action[] = [
    "list patients",
    "list recordings",
    "read recording",
    "read samples",
    "read observations",
    "follow live",
    "read key life",
  ];
  const ALLOWED: Readonly<Record<string, readonly Action[]>> = {
    clinician: ACTIONS,
    technician: [],
    "": [],
    constructor: [],
  };

  const cases = Object.keys(ALLOWED).flatMap((role) =>
    [...ACTIONS, "erase recording" as Action].flatMap((action) =>
      [
        { what: "a patient of the tenant", subject: { tenant, patient: "33".repeat(16) as PatientId } },
        { what: "a recording that is nobody's", subject: { tenant, patient: null } },
        { what: "a patient of another tenant", subject: { tenant: another, patient: "33".repeat(16) as PatientId } },
        { what: "another tenant's unassigned recording", subject: { tenant: another, patient: null } },
      ].map(({ what, subject }) => ({ role, action, what, subject })),
    ),
  );

  test.each(cases)("$role, $action, $what", ({ role, action, subject }) => {
    const account = { id: "a", tenant, name: "n", role } as Account;
    const mayAct = ALLOWED[role]?.includes(action) ?? false;
    const isOwn = subject.tenant === tenant;
    expect(mayList(account, action, subject.tenant)).toBe(mayAct && isOwn);
    expect(mayRead(account, action, subject)).toBe(mayAct && isOwn && subject.patient !== null);
  });

  test("was asked for every combination", () => {
    expect(cases).toHaveLength(4 * 8 * 4);
  });
});

const open = (token: string | number, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${site.server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ token }),
  });

const link = (lifetimeMs = 60_000): string => linkFor(site.store, site.tenant, site.clock.unixMs + lifetimeMs);
test("works once, although many use it at the same time", async () => {
  const token = link();
  const answers = await Promise.all(Array.from({ length: 12 }, () => open(token)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(11);
});

describe("a one-time link", () => {
  test("works once", async () => {
    const token = link();
    expect((await open(token)).status).toBe(200);
    const again = await open(token);
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ code: "ERR_SIGN_IN_LINK" });
    expect(again.headers.get("set-cookie")).toBeNull();
  });

  describe("without a session", () => {
    /** What answers without one, and only that. Everything else is refused, also a route that is added later. */
    const OPEN: ReadonlySet<string> = new Set([
      "GET /healthz",
      "HEAD /healthz",
      "POST /v1/messages",
      "POST /api/v1/session",
      "GET /sign-in",
      "HEAD /sign-in",
      "GET /sign-in-assets/*",
      "HEAD /sign-in-assets/*",
    ]);

    let app: FastifyInstance;
    const routes: { method: string; url: string }[] = [];
    beforeAll(async () => {
      subscribe("fastify.initialization", watchRoutes);
      app = await buildApp({
        ...site.server.context,
        ...site.config,
        logger: pino({ level: "silent" }),
        health: () => ({}),
      });
      unsubscribe("fastify.initialization", watchRoutes);
      await app.ready();
    });
    afterAll(() => app.close());

    /** Notes every route of an application from its first one on, as the framework adds it. */
    function watchRoutes(message: unknown): void {
      const { fastify } = message as { readonly fastify: FastifyInstance };
      fastify.addHook("onRoute", ({ method, url }) => {
        for (const one of [method].flat()) routes.push({ method: one, url });
      });
    }

    test("the application has the routes that this test believes in", () => {
      const names = routes.map(({ method, url }) => `${method} ${url}`);
      expect(new Set(names).size).toBe(names.length);
      for (const open of OPEN) expect(names).toContain(open);
      expect(names).toEqual(
        expect.arrayContaining([
          "GET /",
          "GET /patients/:id",
          "GET /recordings/:id",
          "GET /assets/*",
          "GET /api/v1/session",
          "DELETE /api/v1/session",
          "GET /api/v1/openapi.json",
          "GET /api/v1/patients",
          "GET /api/v1/patients/:id/recordings",
          "GET /api/v1/recordings/:id",
          "GET /api/v1/recordings/:id/samples",
          "GET /api/v1/recordings/:id/summary",
          "GET /api/v1/recordings/:id/live",
        ]),
      );
      for (const { method, url } of routes) expect(app.hasRoute({ method: method as "GET", url })).toBe(true);
    });

    test("every other route refuses, whatever cookie is shown", async () => {
      const cookies = ["", "pericard_session=", `pericard_session=${"A".repeat(43)}`, "pericard_session=x; other=y"];
      const closed = routes.filter(({ method, url }) => !OPEN.has(`${method} ${url}`));
      expect(closed.length).toBeGreaterThan(20);
      for (const { method, url } of closed) {
        const path = url.replace(":id", recording.id).replace("*", "a.js");
        for (const cookie of cookies) {
          const answer = await app.inject({ method: method as "GET", url: path, headers: { cookie } });
          expect({ method, path, status: answer.statusCode }).toEqual({ method, path, status: 401 });
          expect(answer.body).not.toContain(recording.id);
        }
      }
    });

    test("routes that do not exist are not found, and say nothing", async () => {
      for (const path of [
        "/api/v1/",
        "/api/v2/patients",
        "/assets",
        "/../etc/passwd",
        "/sign-in-assets/..%2findex.html",
      ]) {
        const answer = await app.inject({ method: "GET", url: path });
        expect({ path, status: answer.statusCode }).toMatchObject({
          status: expect.toSatisfy((s: number) => s >= 400 && s < 500),
        });
        expect(answer.body).not.toContain("<title>index");
      }
    });

    test("answers carry the headers that keep a browser safe", async () => {
      for (const path of ["/", "/sign-in", "/api/v1/patients", "/nowhere", "/assets/a.js"]) {
        const { headers } = await app.inject({ method: "GET", url: path });
        expect(headers["content-security-policy"]).toContain("default-src 'self'");
        expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
        expect(headers["x-content-type-options"]).toBe("nosniff");
        expect(headers["referrer-policy"]).toBe("no-referrer");
      }
    });

    test("health tells states and counts, no people and no recordings", async () => {
      const body = await (await get("/healthz")).text();
      expect(body).toContain("bufferedBytes");
      for (const secret of [recording.id, patient, "somebody", UPLOAD_TOKEN]) expect(body).not.toContain(secret);
    });
  });

  test("expires", async () => {
    const token = link(1000);
    site.pass(1000);
    expect((await open(token)).status).toBe(401);
  });

  test.each(["", "x", "A".repeat(43), "A".repeat(256)])("that reads %s is refused", async (token) => {
    expect((await open(token)).status).toBe(401);
  });

  test("that is too long or no text is refused", async () => {
    expect((await open("A".repeat(257))).status).toBe(400);
    // A number is read as its digits, which are nobody's token.
    expect((await open(7)).status).toBe(401);
    for (const body of ['{"token":{}}', "{}", "[]", "null", "not json", ""]) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${site.server.url}/api/v1/session`, { method: "POST", headers, body });
      expect(answer.status).toBe(400);
    }
  });

  test("gives a cookie that no script reads and no other site sends", async () => {
    const cookie = (await open(link())).headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^pericard_session=[A-Za-z0-9_-]{43}; /);
    for (const flag of ["HttpOnly", "SameSite=Strict", "Path=/", `Max-Age=${SESSION_LIFETIME_MS / 1000}`]) {
      expect(cookie).toContain(flag);
    }
  });

  test.each(["https://evil.example", "null", "not an origin", "http://127.0.0.1", "http://127.0.0.1:1"])(
    "is not taken from the page of %s, and stays unused",
    async (origin) => {
      const token = link();
      const refused = await open(token, { origin });
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ code: "ERR_ROLE_DENIED" });
      expect((await open(token, { origin: site.server.url })).status).toBe(200);
    },
  );
});

const status = async (cookie: string): Promise<number> => (await get("/api/v1/session", cookie)).status;

describe("a session", () => {
  test("opens the API until it is ended, and only from a page of this server", async () => {
    const cookie = await signIn(site);
    expect(await status(cookie)).toBe(200);
    const end = (origin: string): Promise<Response> =>
      fetch(`${site.server.url}/api/v1/session`, { method: "DELETE", headers: { cookie, origin } });
    expect((await end("https://evil.example")).status).toBe(403);
    expect(await status(cookie)).toBe(200);
    const ended = await end(site.server.url);
    expect(ended.status).toBe(204);
    expect(ended.headers.get("set-cookie")).toContain("Max-Age=0");
    expect(await status(cookie)).toBe(401);
  });

  test("ends by itself, and what has ended is forgotten", async () => {
    const cookie = await signIn(site);
    site.pass(SESSION_LIFETIME_MS - 1);
    expect(await status(cookie)).toBe(200);
    site.pass(1);
    expect(await status(cookie)).toBe(401);
    await signIn(site);
    const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
    expect(database.prepare("SELECT COUNT(*) AS n FROM sessions").get()?.["n"]).toBe(1);
    database.close();
  });

  test("is kept over a restart, by its hash alone", async () => {
    const cookie = await signIn(site);
    const token = cookie.split("=")[1] ?? "";
    await site.stop();
    await site.start();
    expect(await status(cookie)).toBe(200);
    const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
    const rows = JSON.stringify(database.prepare("SELECT hex(token_hash), account FROM sessions").all());
    database.close();
    expect(rows).not.toContain(token);
    expect(rows).not.toContain(Buffer.from(token).toString("hex").toUpperCase());
  });
});

describe("what another tenant has", () => {
  test("looks like what is not there", async () => {
    const cookie = await signIn(site, otherTenant);
    const nowhere = RecordingId.parse("ff".repeat(16));
    for (const [mine, none] of [
      [`recordings/${recording.id}`, `recordings/${nowhere}`],
      [`recordings/${unassigned.id}`, `recordings/${nowhere}`],
      [
        `recordings/${recording.id}/samples?fromFrame=0&toFrame=9`,
        `recordings/${nowhere}/samples?fromFrame=0&toFrame=9`,
      ],
      [
        `recordings/${recording.id}/summary?fromFrame=0&toFrame=9&buckets=1`,
        `recordings/${nowhere}/summary?fromFrame=0&toFrame=9&buckets=1`,
      ],
      [`recordings/${recording.id}/live`, `recordings/${nowhere}/live`],
      [`patients/${patient}/recordings`, `patients/${nowhere}/recordings`],
    ] as const) {
      const [theirs, nothing] = await Promise.all([get(`/api/v1/${mine}`, cookie), get(`/api/v1/${none}`, cookie)]);
      expect([theirs.status, nothing.status]).toEqual([404, 404]);
      expect(await theirs.text()).toBe(await nothing.text());
    }
    expect(await (await get("/api/v1/patients", cookie)).json()).toEqual({ patients: [] });
  });
});

describe("the audit trail", () => {
  test("has an entry for each read, allowed or denied", async () => {
    const client = await readerOf(site);
    const stranger = await signIn(site, otherTenant);
    const before = auditRows().length;
    await client.patients();
    await client.recordings(patient);
    await client.recording(recording.id);
    await client.samples(recording.id, 0, 10);
    await get(`/api/v1/recordings/${recording.id}/samples?fromFrame=0&toFrame=9`, stranger);
    await get(`/api/v1/patients/${patient}/recordings`, stranger);
    const entries = auditRows().slice(before);
    expect(entries.map(({ action, subject, outcome }) => [action, subject, outcome])).toEqual([
      ["list patients", site.tenant.id, "allowed"],
      ["list recordings", patient, "allowed"],
      ["read recording", recording.id, "allowed"],
      ["read samples", `${recording.id} 0-10`, "allowed"],
      ["read samples", `${recording.id} 0-9`, "denied"],
      ["list recordings", patient, "denied"],
    ]);
    expect(new Set(entries.map(({ actor }) => actor)).size).toBe(2);
    expect(entries.every(({ actor }) => /^clinician [0-9a-f]{32}$/.test(actor))).toBe(true);
  });

  test("is written before anything is read, and without it nothing is answered", async () => {
    const { catalog, library } = site.server.context;
    const account = site.store.addAccount(site.tenant.id, "clinician", "clinician");
    const order: string[] = [];
    const stuck = new Audit({ ...catalog, appendAudit: () => new Promise(() => order.push("asked")) }, () => 0);
    const entry = stuck.record({ actor: "a", action: "read", subject: "s", outcome: "allowed" });
    const rest = new Promise((resolve) => setTimeout(() => resolve("waiting"), 50));
    expect(await Promise.race([entry, rest])).toBe("waiting");
    expect(order).toEqual(["asked"]);
    const count = await catalog.countAudit();
    await library.getRecording(account, recording.id);
    expect(await catalog.countAudit()).toBe(count + 1);
  });

  test("is a chain: every hash covers its entry and the one before", () => {
    let previous = new Uint8Array(32);
    const rows = auditRows();
    expect(rows.length).toBeGreaterThan(20);
    for (const [i, { number, at, actor, action, subject, outcome, hash }] of rows.entries()) {
      expect(number).toBe(i + 1);
      const wanted = sha256(encodeCbor([previous, number, at, actor, action, subject, outcome]));
      expect(new Uint8Array(hash)).toEqual(wanted);
      previous = new Uint8Array(wanted);
    }
  });

  test("names no patient and holds no token", () => {
    const text = JSON.stringify(auditRows());
    for (const secret of ["somebody", "pericard_session", UPLOAD_TOKEN]) expect(text).not.toContain(secret);
  });
});
