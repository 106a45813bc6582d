/** Chromium for tests: one browser with a profile of its own, and what happens where it is not installed. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { describe, test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
const INSTALL = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core";

/** Beside what Playwright adds by itself. */
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A suite that needs Chromium and, perhaps, more. What is absent skips it, with the remedy as its name. */
export function describeInBrowser(name: string, suite: () => void, missing?: string): void {
  const remedy = missing ?? (existsSync(CHROMIUM) ? undefined : `no Chromium: ${INSTALL}`);
  if (remedy === undefined) {
    describe(name, suite);
    return;
  }
  test.skipIf(process.env["CI"] !== "true")(`${name}: ${remedy}`, () => {
    throw new Error(`${name}: ${remedy}`);
  });
}

/** A screen: its size in CSS px and how many device px make one. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly touch?: boolean;
}

export const DESKTOP: Screen = { width: 1440, height: 900, scale: 1 };
export const PHONE: Screen = { width: 390, height: 844, scale: 3, touch: true };

/** An open browser with one page. */
export interface Browser {
  readonly page: Page;
  /** Errors in the console and of scripts, oldest first. */
  readonly errors: readonly string[];
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** Starts Chromium with an empty profile, which is removed when it is closed. */
export async function openBrowser({ width, height, scale, touch = false }: Screen = DESKTOP): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "pericard-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: ARGS,
    viewport: { width, height },
    deviceScaleFactor: scale,
    hasTouch: touch,
    isMobile: touch,
    timezoneId: "Europe/Vienna",
  });
  const errors: string[] = [];
  const watch = (page: Page): Page => {
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    return page;
  };
  const [first] = context.pages();
  return {
    page: watch(first ?? (await context.newPage())),
    errors,
    newPage: async () => watch(await context.newPage()),
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Signs in with a one-time link through the sign-in page. */
export async function signIn(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByTestId("sign-in-button").click();
  await page.getByTestId("sign-out").waitFor();
}
