/** The house rules that a machine can check. */
import { describe, expect, it } from "vitest";
import { filesBelow, importsOf, PACKAGES, resolveImport, sourcesOf, textOf } from "./tree.ts";

/** Which package may import which. Source: ARCHITECTURE.md, "Packages". */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  framelog: ["protocol"],
  crypto: ["protocol"],
  ecg: [],
  trsm: ["protocol", "crypto", "framelog"],
  custody: ["protocol", "crypto", "framelog"],
  factory: ["protocol", "crypto", "framelog", "trsm", "custody"],
  terminal: ["protocol", "crypto", "framelog", "trsm", "ecg"],
  gateway: ["protocol", "framelog"],
  server: ["protocol", "crypto", "framelog", "custody", "ecg"],
  web: [],
  lab: ["protocol", "crypto", "framelog", "ecg", "trsm", "custody", "factory", "terminal", "gateway", "server"],
  cli: ["protocol", "crypto", "framelog", "ecg", "trsm", "custody", "factory", "terminal", "gateway", "server", "lab"],
};

/** Calls that have one place, and what to use elsewhere. */
const BANNED: readonly { pattern: RegExp; instead: string; allowed: (path: string) => boolean }[] = [
  {
    pattern: /from "node:crypto"|from "crypto"/,
    instead: "the crypto package",
    allowed: (path) => path.startsWith("packages/crypto/src/") || path.startsWith("packages/lab/"),
  },
  {
    pattern: /\bDate\.now\b|new Date\(\)/,
    instead: "a clock that is handed in",
    allowed: (path) => isCompositionRoot(path) || path.startsWith("packages/web/"),
  },
  {
    pattern: /\bMath\.random\b/,
    instead: "a RandomSource that is handed in",
    allowed: isCompositionRoot,
  },
  {
    pattern: /\bconsole\./,
    instead: "the logger, or the output of the command line",
    allowed: () => false,
  },
  {
    pattern: /\bprocess\.env\b/,
    instead: "configuration that is handed in",
    allowed: (path) => path.startsWith("packages/cli/") || path.startsWith("packages/lab/"),
  },
  {
    pattern: /\bexecSync\b|\beval\(|new Function\(/,
    instead: "nothing: it is not needed here",
    allowed: () => false,
  },
];

/** Files that build a program's parts out of the real clock, disk and network. */
function isCompositionRoot(path: string): boolean {
  return /^packages\/(cli|lab)\//.test(path) || /\/src\/(context|main|clock-system)\.ts$/.test(path);
}

/** Faces of packages beside their `index.ts`. */
const FACES = new Set(["@pericard/server/worker"]);

/** The package that a specifier `@pericard/<package>` names, perhaps by another face. */
function packageOf(specifier: string): string {
  return specifier.split("/")[1] ?? "";
}

/** A file and everything of its package that it imports as code, at once or later. */
function reachable(path: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const one of codeImports(textOf(path))) if (one.startsWith(".")) reachable(resolveImport(path, one), found);
  return found;
}

/** What a text imports beside types. */
function codeImports(text: string): readonly string[] {
  const patterns = [/^(?:import|export)\b(?! type)[^"';]*?\bfrom\s+"([^"]+)"/gm, /\bimport\(\s*"([^"]+)"/g];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

const sources = PACKAGES.flatMap((name) => sourcesOf(name).map((path) => ({ name, path })));

describe("imports", () => {
  it("covers every package", () => {
    expect(Object.keys(ARROWS).sort()).toEqual(PACKAGES);
    expect(sources.length).toBeGreaterThan(150);
  });

  it("go one way between packages", () => {
    const wrong = sources.flatMap(({ name, path }) =>
      importsOf(path)
        .filter((specifier) => specifier.startsWith("@pericard/"))
        .filter((specifier) => !ARROWS[name]?.includes(packageOf(specifier)))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("name a package by its public face", () => {
    const deep = sources.flatMap(({ path }) =>
      importsOf(path)
        .filter(
          (specifier) =>
            (/^@pericard\/[^/]+\//.test(specifier) && !FACES.has(specifier)) ||
            /(^|\/)\.\.\/\.\.\/[a-z]+\/src\//.test(specifier),
        )
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(deep).toEqual([]);
  });

  it("are declared in the package's own package.json", () => {
    const undeclared = sources.flatMap(({ name, path }) => {
      const manifest = JSON.parse(textOf(`packages/${name}/package.json`)) as Record<string, Record<string, string>>;
      const declared = new Set(Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] }));
      return importsOf(path)
        .filter(
          (specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:") && !specifier.startsWith("#"),
        )
        .map((specifier) =>
          specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/"),
        )
        .filter((dependency) => !declared.has(dependency))
        .map((dependency) => `${path} imports ${dependency}`);
    });
    expect(undeclared).toEqual([]);
  });

  it("reach the lab from the command line only when a command asks for it", () => {
    const eager = sourcesOf("cli").filter((path) =>
      /\bfrom "@pericard\/lab"/.test(textOf(path).replace(/import type[^;]*;/g, "")),
    );
    expect(eager).toEqual([]);
  });

  it("give a worker nothing that opens what it carries", () => {
    const files = [...reachable("packages/server/src/worker/index.ts")];
    expect(files.length).toBeGreaterThan(12);
    const packages = new Set(files.flatMap((path) => codeImports(textOf(path))).filter((one) => !one.startsWith(".")));
    expect([...packages].filter((one) => one.startsWith("@pericard/")).sort()).toEqual([
      "@pericard/crypto",
      "@pericard/framelog",
      "@pericard/protocol",
    ]);
    const fromCrypto = files.flatMap((path) =>
      [...textOf(path).matchAll(/^import \{([^}]*)\} from "@pericard\/crypto"/gm)]
        .flatMap((match) => (match[1] ?? "").split(","))
        .map((name) => name.trim())
        .filter((name) => name !== "" && !name.startsWith("type ")),
    );
    expect(new Set(fromCrypto)).toEqual(new Set(["contentMd5"]));
    expect(files.filter((path) => /\/(keys|ingest|retrieval|access)\//.test(path))).toEqual([]);
  });

  it("leave no source file that nothing imports", () => {
    const entries = new Set(
      PACKAGES.flatMap((name) => [
        `packages/${name}/src/index.ts`,
        `packages/${name}/src/main.ts`,
        `packages/${name}/src/main.tsx`,
        `packages/${name}/src/warm.ts`,
      ]).concat("packages/server/src/worker/index.ts"),
    );
    const importing = [...sources.map(({ path }) => path), ...filesBelow("packages/lab/test", ".ts")];
    const used = new Set(importing.flatMap((path) => importsOf(path).map((one) => resolveImport(path, one))));
    const dead = sources
      .map(({ path }) => path)
      .filter((path) => !entries.has(path) && !used.has(path) && !path.endsWith("/sign-in/main.ts"));
    expect(dead).toEqual([]);
  });
});

describe("banned calls", () => {
  for (const { pattern, instead, allowed } of BANNED) {
    it(`${pattern.source} has another way: ${instead}`, () => {
      const found = sources.filter(({ path }) => !allowed(path) && pattern.test(withoutComments(textOf(path))));
      expect(found.map(({ path }) => path)).toEqual([]);
    });
  }

  it("secrets are compared in constant time", () => {
    const pattern =
      /\b\w*(token|secret|passphrase|commitment|digest)\w*\s*(===|!==)\s*(?!undefined|null|typeof|"")\w*(token|secret|passphrase|commitment|digest|hash)/i;
    const found = sources.filter(({ name, path }) => name !== "web" && pattern.test(withoutComments(textOf(path))));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe("leftovers", () => {
  it("are none", () => {
    const pattern = /\b(TODO|FIXME|XXX|HACK)\b/;
    const files = [...filesBelow("packages", ".ts"), ...filesBelow("packages", ".tsx"), ...filesBelow("docs", ".md")];
    expect(files.filter((path) => pattern.test(textOf(path)))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
