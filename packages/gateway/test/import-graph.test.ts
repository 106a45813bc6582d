/** The import graph proves what a gateway cannot do: nothing that it is made of computes with keys. */
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const packages = join(import.meta.dirname, "..", "..");

/** What each package's sources may import beside each other. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  gateway: [
    "@pericard/protocol",
    "@pericard/framelog",
    "aedes",
    "fastify",
    "node:http",
    "node:https",
    "node:net",
    "node:tls",
  ],
  framelog: ["@pericard/protocol", "node:fs", "node:path", "node:sqlite", "node:zlib"],
  protocol: [],
};

function sourcesOf(name: string): readonly { readonly path: string; readonly text: string }[] {
  const folder = join(packages, name, "src");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => ({ path: `${name}/src/${path}`, text: withoutComments(readFileSync(join(folder, path), "utf8")) }));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** Every module that a text names in an import or export, static or dynamic. */
function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'`]([^"'`]+)["'`]/g)].map(
    (match) => match[1] ?? "",
  );
}

test("the reader of imports sees every form of them", () => {
  const text = `import a from "a"; import "b"; export * from 'c'; import { d,
    e } from "d"; await import("e"); await import(\`f\`); require("g"); import type { H } from "h";`;
  expect(importsOf(text)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"]);
});

describe.each(Object.entries(ALLOWED))("%s", (name, allowed) => {
  const sources = sourcesOf(name);

  test("has sources", () => {
    expect(sources.length).toBeGreaterThan(7);
  });

  test("imports nothing but its own files and what is listed", () => {
    for (const { path, text } of sources) {
      for (const target of importsOf(text)) {
        const isOwn = /^\.\/[\w/-]+\.ts$/.test(target);
        expect(isOwn || allowed.includes(target), `${path} imports ${target}`).toBe(true);
      }
    }
  });

  test("reaches cryptography by no other way", () => {
    for (const { path, text } of sources) {
      expect(text, path).not.toMatch(/node:crypto|\bcrypto\b|subtle|getBuiltinModule|createRequire|process\.binding/i);
      expect(text, `${path} has an import that is not a plain text`).not.toMatch(
        /\b(?:import|require)\s*\(\s*[^"'`\s]/,
      );
    }
  });

  test("depends on nothing else in its package.json", () => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    expect(Object.keys(dependencies).sort()).toEqual(allowed.filter((target) => !isBuiltin(target)).sort());
  });
});

test("the MQTT broker is loaded when it is asked for, not before", () => {
  for (const { path, text } of sourcesOf("gateway")) {
    const eager = [...text.matchAll(/^(?:import|export)(?! type)[^;]*"aedes"/gm)];
    expect(eager, path).toEqual([]);
  }
});

test("time, randomness and disk are made in the composition root alone", () => {
  for (const { path, text } of sourcesOf("gateway")) {
    if (path.endsWith("/context.ts")) continue;
    expect(text, path).not.toMatch(/Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval/);
    expect(text, path).not.toMatch(/openDiskFolder|console\.|process\.env/);
  }
});
