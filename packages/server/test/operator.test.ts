/** The operator's socket: who may open it, what is written down, what a command is told. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import fastify from "fastify";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Audit } from "../src/access/audit.ts";
import { OperatorClient } from "../src/client/operator-client.ts";
import { buildOperatorApp, listenForOperator } from "../src/http/operator.ts";
import { sendProgress } from "../src/http/answers.ts";
import { ServerError } from "../src/errors.ts";
import { temporaryFolder, TestInstallation } from "./support/test-server.ts";

let site: TestInstallation;
beforeAll(async () => {
  site = await new TestInstallation().start();
});
afterAll(() => site.remove());

const socketPath = (): string => join(site.config.dataPath, "operator.sock");

describe("the socket", () => {
  test("is its owner's alone, and answers", async () => {
    expect(lstatSync(socketPath()).isSocket()).toBe(true);
    expect(statSync(socketPath()).mode & 0o777).toBe(0o600);
    const { volumes } = await new OperatorClient(site.config.dataPath).get<{ volumes: unknown[] }>("/v1/volumes");
    expect(volumes).toHaveLength(2);
  });

  test("goes with the server, and a command says what to do", async () => {
    const stopped = await new TestInstallation().start();
    await stopped.stop();
    expect(existsSync(join(stopped.config.dataPath, "operator.sock"))).toBe(false);
    const asked = new OperatorClient(stopped.config.dataPath).get("/v1/volumes");
    await expect(asked).rejects.toMatchObject({ code: "ERR_SERVER_NOT_RUNNING", retryable: true });
    await expect(asked).rejects.toThrow(`pericard server --data ${stopped.config.dataPath}`);
    await stopped.remove();
  });

  test("of a killed server is replaced", async () => {
    const killed = new TestInstallation();
    mkdirSync(killed.config.dataPath, { recursive: true });
    const path = join(killed.config.dataPath, "operator.sock");
    const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("listens"))`;
    const child = spawn(process.execPath, ["-e", program]);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const asked = new OperatorClient(killed.config.dataPath).get("/v1/volumes");
    await expect(asked).rejects.toMatchObject({ code: "ERR_SERVER_NOT_RUNNING" });
    await killed.start();
    await new OperatorClient(killed.config.dataPath).get("/v1/volumes");
    await killed.remove();
  });

  test("in a folder whose name is too long for one is refused", async () => {
    const app = fastify();
    const folder = join(temporaryFolder(), "n".repeat(120));
    await expect(listenForOperator(app, folder)).rejects.toMatchObject({ code: "ERR_SERVER_CONFIG" });
  });

  test("may not be opened by another user", (context) => {
    if (process.getuid?.() !== 0) return context.skip("needs root, to become somebody else");
    const program = `require("net").connect(${JSON.stringify(socketPath())}).on("error", (e) => console.log(e.code))`;
    const code = execFileSync(process.execPath, ["-e", program], { uid: 65_534, gid: 65_534 }).toString().trim();
    expect(code).toBe("EACCES");
  });
});

async function* counting(to: number) {
  for (let count = 1; count <= to; count += 1) {
    if (count === 5) throw new ServerError("ERR_VOLUME_FULL", "volume is full");
    yield { count };
  }
  return { counted: to };
}

describe("a route", () => {
  const entries: { action: string; subject: string; outcome: string }[] = [];
  const audit = {
    record: async (entry: (typeof entries)[number]) => entries.push(entry),
  } as unknown as Audit;
  let client: OperatorClient;
  let end: () => Promise<void>;

  beforeAll(async () => {
    const app = await buildOperatorApp({ ...site.server.context, audit, logger: pino({ level: "silent" }) });
    app.post("/count", { config: { action: "count" } }, (request, reply) =>
      sendProgress(reply, counting((request.body as { to: number }).to)),
    );
    app.post("/things/:id", { config: { action: "change thing" } }, async () => {
      throw new ServerError("ERR_NOT_FOUND", "no such thing");
    });
    app.post("/cut", { config: { action: "cut" } }, (_request, reply) => {
      reply.hijack();
      reply.raw.write('{"progress": 1}\n', () => reply.raw.destroy());
    });
    expect(() => app.post("/nameless", () => undefined)).toThrow("names no action");
    const folder = temporaryFolder();
    end = await listenForOperator(app, folder);
    client = new OperatorClient(folder);
  });
  afterAll(() => end());

  test("tells how long work goes on, and its result", async () => {
    const told: unknown[] = [];
    expect(await client.follow("/count", { to: 3 }, (progress) => told.push(progress))).toEqual({ counted: 3 });
    expect(told).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
    expect(entries.at(-1)).toMatchObject({ actor: "operator", action: "count", outcome: "allowed" });
  });

  test("tells a failure on the way with its code", async () => {
    await expect(client.follow("/count", { to: 9 }, () => undefined)).rejects.toMatchObject({
      code: "ERR_VOLUME_FULL",
    });
  });

  test("that is cut is no success", async () => {
    const following = client.follow("/cut", {}, () => undefined);
    await expect(following).rejects.toMatchObject({ code: "ERR_SERVER_UNREACHABLE" });
  });

  test("that refuses says so with its code, and both are written down", async () => {
    const asked = client.send("POST", "/things/seven");
    await expect(asked).rejects.toMatchObject({ code: "ERR_NOT_FOUND", message: "no such thing" });
    expect(entries.slice(-2)).toMatchObject([
      { action: "change thing", subject: "seven", outcome: "allowed" },
      { action: "change thing: ERR_NOT_FOUND", subject: "seven", outcome: "denied" },
    ]);
  });

  test("that is not there, and a body that is none, are problems", async () => {
    await expect(client.get("/nowhere")).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    const huge = client.send("POST", "/things/seven", { text: "x".repeat(70_000) });
    await expect(huge).rejects.toMatchObject({ code: "ERR_BODY_TOO_LARGE" });
  });
});

test("somebody else's server at the socket's place is no server", async () => {
  const folder = temporaryFolder();
  const server = createServer((socket) => socket.end("hello\n"));
  await new Promise<void>((resolve) => server.listen(join(folder, "operator.sock"), resolve));
  await expect(new OperatorClient(folder).get("/v1/volumes")).rejects.toMatchObject({ code: "ERR_SERVER_NOT_RUNNING" });
  server.close();
});
