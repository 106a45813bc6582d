/** Manifests of packages as they are given away. */

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

function compiled(path: string): Readonly<Record<string, string>> {
  return { types: path.replace(/\.ts$/, ".d.ts"), default: path.replace(/\.ts$/, ".js") };
}

/** The manifest of a package in which the sources were replaced by JavaScript and types. */
export function publicManifest({
  private: _private,
  exports,
  scripts: _scripts,
  dependencies,
  ...rest
}: Manifest): object {
  const viewer = rest.name === "@pericard/web";
  return {
    ...rest,
    engines: { node: ">=24.7" },
    ...(exports && {
      exports: Object.fromEntries(Object.entries(exports).map(([name, path]) => [name, compiled(path)])),
    }),
    // The viewer was built: it needs nothing any more.
    ...(dependencies && !viewer && { dependencies }),
  };
}
