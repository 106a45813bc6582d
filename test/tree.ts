/** The tree as tests of the house see it. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const SKIPPED = new Set(["node_modules", "dist", ".git", "pericard-data"]);

/** Every file below a folder of the repository whose name ends so, by its path from the root. */
export function filesBelow(folder: string, ending: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

/** Source files of a package, tests left out. */
export function sourcesOf(packageName: string): readonly string[] {
  const folder = join("packages", packageName, "src");
  return [...filesBelow(folder, ".ts"), ...filesBelow(folder, ".tsx")];
}

/** A file's text. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** What a file imports, statically or dynamically. */
export function importsOf(path: string): readonly string[] {
  const text = textOf(path);
  const statements = [
    /^(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"/gm,
    /^import\s+"([^"]+)"/gm,
    /\bimport\(\s*"([^"]+)"/g,
    /new URL\(\s*"([^"]+)",\s*import\.meta\.url/g,
  ];
  return statements.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** Names of the packages. */
export const PACKAGES: readonly string[] = readdirSync(join(ROOT, "packages")).sort();

/** Path of a relative import from the root. */
export function resolveImport(from: string, specifier: string): string {
  return relative(ROOT, join(ROOT, dirname(from), specifier));
}
