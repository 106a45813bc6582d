/** Nothing of the viewer, and no data, without a session; a session begins with a link once and ends when told. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Response } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newestRecording, openBed, type Bed } from "./browser/bed.ts";
import { rawRequest } from "./browser/raw-request.ts";
import { describeInBrowser, openBrowser, signIn, type Browser } from "./browser/chromium.ts";

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;

interface Answer {
  readonly route: string;
  readonly status: number;
}

describeInBrowser("access", () => {
  let bed: Bed;
  let browser: Browser;
  /** Paths of every page and file, and of some that are none. */
  let pages: readonly string[];
  let routes: readonly (readonly [method: string, path: string])[];
  /** What must not be told without a session. */
  let secrets: readonly string[];

  beforeAll(async () => {
    bed = await openBed();
    await bed.record(1, "--synthetic", "--hours", "0.01");
    const api = await bed.api();
    const recording = await newestRecording(api, 1);
    secrets = [recording.id, recording.patientId, recording.patientName, recording.terminalSerial];
    const ids = [recording.id, recording.patientId, "0".repeat(32), "x"];
    const files = readdirSync(join(bed.viewerPath, "assets"));
    expect(files.length).toBeGreaterThan(2);
    pages = [
      "/",
      "/patients/x",
      `/patients/${recording.patientId}`,
      "/recordings/x",
      `/recordings/${recording.id}`,
      `/recordings/${recording.id}?at=end`,
      "/index.html",
      "/assets/",
      ...files.flatMap((name) => [`/assets/${name}`, `/sign-in-assets/../assets/${name}`]),
      ...files.map((name) => `/sign-in-assets/%2e%2e/assets/${name}`),
      ...files.map((name) => `//assets/${name}`),
    ];
    routes = (await describedRoutes(bed)).flatMap(([method, path]) =>
      ids.map((id) => [method, path.replaceAll("{id}", id)] as const),
    );
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await bed.close();
  });

  async function request(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    // Node's fetch would tidy the path; the raw one must reach the server.
    const answer = await rawRequest(bed.serverUrl, method, path, headers);
    const leaked = secrets.filter((secret) => answer.body.includes(secret) && !path.includes(secret));
    expect(leaked, `${method} ${path} tells`).toEqual([]);
    return { route: `${method} ${path}`, status: answer.status };
  }

  const cookies: readonly Record<string, string>[] = [
    {},
    { cookie: "pericard_session=" },
    { cookie: `pericard_session=${"A".repeat(43)}` },
    { authorization: `Bearer ${"A".repeat(43)}` },
  ];

  it("refuses every page and file without a session", async () => {
    for (const headers of cookies) {
      const answers = await Promise.all(
        pages.flatMap((path) => ["GET", "HEAD"].map((method) => request(method, path, headers))),
      );
      expect(answers.filter(isAdmitted)).toEqual([]);
      expect(answers.filter(({ status }) => status !== 401 && status !== 404 && status !== 403)).toEqual([]);
    }
  });

  it("refuses every route of the API without a session", async () => {
    expect(new Set(routes.map(([, path]) => path.replace(/[0-9a-f]{32}/g, "{id}"))).size).toBeGreaterThan(6);
    for (const headers of cookies) {
      const answers = await Promise.all(
        routes
          .filter(([method, path]) => !(method === "post" && path === "/api/v1/session"))
          .map(([method, path]) => request(method.toUpperCase(), path, headers)),
      );
      expect(answers.filter(({ status }) => status !== 401)).toEqual([]);
    }
  });

  it("answers no undescribed method of a route without a session", async () => {
    const paths = [...new Set(routes.map(([, path]) => path))];
    const described = new Set(routes.map(([method, path]) => `${method} ${path}`));
    const others = paths.flatMap((path) =>
      METHODS.filter((method) => !described.has(`${method} ${path}`)).map((method) => [method, path] as const),
    );
    const answers = await Promise.all(others.map(([method, path]) => request(method.toUpperCase(), path)));
    expect(answers.filter(isAdmitted)).toEqual([]);
  });

  it("shows a browser without a session only where to sign in", async () => {
    const { page } = browser;
    for (const path of pages.filter((one) => !one.includes("/assets"))) {
      const response = await page.goto(`${bed.serverUrl}${path}`);
      expect([401, 404]).toContain(response?.status());
      const text = await page.locator("body").innerText();
      for (const secret of secrets) expect(text).not.toContain(secret);
      expect(await page.locator("script, #root").count()).toBe(0);
    }
    const response = await page.goto(`${bed.serverUrl}/`);
    expect(response?.status()).toBe(401);
    expect(await page.locator("body").innerText()).toMatch(/sign in first/i);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
    const api = routes.filter(([method, path]) => !(method === "post" && path === "/api/v1/session"));
    const statuses = await page.evaluate<readonly number[]>(
      `Promise.all(${JSON.stringify(api)}.map(([method, path]) => fetch(path, { method }).then(({ status }) => status)))`,
    );
    expect(statuses).toEqual(api.map(() => 401));
    expect(await page.locator("body").innerText()).toContain("pericard sign-in");
  });

  it("opens the sign-in page and its files to everyone, and loads nothing else for it", async () => {
    const { page } = browser;
    const loaded: Response[] = [];
    page.on("response", (response) => loaded.push(response));
    await page.goto(`${bed.serverUrl}/sign-in`);
    await page.getByRole("heading").waitFor();
    expect(loaded.map((response) => new URL(response.url()).pathname).filter((path) => !isOfSignIn(path))).toEqual([]);
    expect(loaded.filter((response) => response.status() >= 400).map((response) => response.url())).toEqual([]);
    for (const name of readdirSync(join(bed.viewerPath, "sign-in-assets"))) {
      expect((await fetch(`${bed.serverUrl}/sign-in-assets/${name}`)).status).toBe(200);
    }
    page.removeAllListeners("response");
  });

  it("signs in with a link once, and says plainly that it is used up", async () => {
    const link = bed.link();
    await signIn(browser.page, link);
    const other = await openBrowser();
    try {
      await other.page.goto(link);
      await other.page.getByTestId("sign-in-button").click();
      await other.page.getByRole("heading", { name: "This link does not work" }).waitFor();
      expect(await other.page.getByRole("alert").innerText()).toMatch(/used before/);
      expect(await other.page.locator("body").innerText()).toContain("pericard sign-in");
      expect(other.page.url(), "the token leaves the address").not.toContain("token");
      expect((await other.page.goto(`${bed.serverUrl}/`))?.status()).toBe(401);
      await other.page.goto(`${bed.serverUrl}/sign-in#token=${"A".repeat(43)}`);
      await other.page.getByTestId("sign-in-button").click();
      await other.page.getByRole("heading", { name: "This link does not work" }).waitFor();
    } finally {
      await other.close();
    }
  });

  it("keeps the session from scripts and from other sites", async () => {
    const cookie = (await browser.page.context().cookies()).find(({ name }) => name === "pericard_session");
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(await browser.page.evaluate<string>("document.cookie")).toBe("");
    const headers = { cookie: `pericard_session=${cookie?.value}`, origin: "https://elsewhere.example" };
    expect((await fetch(`${bed.serverUrl}/api/v1/session`, { method: "DELETE", headers })).status).toBe(403);
  });

  it("ends live events with their session", async () => {
    await bed.start(1, "--synthetic", "--segment-seconds", "1");
    const recording = await newestRecording(await bed.api(), 1, ({ state }) => state === "live");
    const cookie = await sessionCookie(bed);
    const events = await fetch(`${bed.serverUrl}/api/v1/recordings/${recording.id}/live`, { headers: { cookie } });
    expect(events.status).toBe(200);
    const ended = events.text();
    const closed = await fetch(`${bed.serverUrl}/api/v1/session`, { method: "DELETE", headers: { cookie } });
    expect(closed.status).toBe(204);
    const text = await Promise.race([ended, sleep(10_000, "the events go on")]);
    expect(text).toMatch(/^event: extent/);
    expect(text.split("event: extent").length).toBeLessThan(5);
  });

  it("ends the session on the server when signing out, in every page of it", async () => {
    const { page } = browser;
    const context = page.context();
    const cookie = (await context.cookies()).find(({ name }) => name === "pericard_session")?.value ?? "";
    const headers = { cookie: `pericard_session=${cookie}` };
    expect((await request("GET", "/api/v1/session", headers)).status).toBe(200);
    const second = await browser.newPage();
    await second.goto(`${bed.serverUrl}/`);
    await second.getByTestId("patients").waitFor();
    await page.getByTestId("sign-out").click();
    await page.waitForURL("**/sign-in");
    expect((await context.cookies()).filter(({ name }) => name === "pericard_session")).toEqual([]);
    const after = await Promise.all(pages.map((path) => request("GET", path, headers)));
    expect(after.filter(isAdmitted)).toEqual([]);
    const apiAfter = routes.filter(([method]) => method === "get").map(([, path]) => request("GET", path, headers));
    expect((await Promise.all(apiAfter)).filter(({ status }) => status !== 401)).toEqual([]);
    await second.getByTestId("patient").first().click();
    await second.waitForURL("**/sign-in");
    expect((await page.goto(`${bed.serverUrl}/`))?.status()).toBe(401);
    await page.goBack();
    expect(await page.locator("body").innerText()).not.toContain("Demo patient");
  });
});

/** The cookie of a new session. */
async function sessionCookie(bed: Bed): Promise<string> {
  const token = new URL(bed.link()).hash.replace("#token=", "");
  const opened = await fetch(`${bed.serverUrl}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  return opened.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** Methods and paths of the OpenAPI description, and of the description itself. */
async function describedRoutes(bed: Bed): Promise<readonly (readonly [method: string, path: string])[]> {
  const cookie = await sessionCookie(bed);
  const answer = await fetch(`${bed.serverUrl}/api/v1/openapi.json`, { headers: { cookie } });
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method, path] as const),
  );
  return [...described, ["get", "/api/v1/openapi.json"]];
}

const isAdmitted = ({ status }: Answer): boolean => status < 400;
const isOfSignIn = (path: string): boolean => path === "/sign-in" || path.startsWith("/sign-in-assets/");
