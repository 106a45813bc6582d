/** Signal files in memory. Tests only. */
import type { SignalFiles } from "../src/index.ts";

/** Files by name; an unknown name rejects. */
export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): SignalFiles {
  const find = (name: string): Uint8Array => {
    const bytes = files[name];
    if (bytes === undefined) throw new Error(`no file ${name}`);
    return bytes;
  };
  return {
    sizeBytes: async (name) => find(name).length,
    read: async (name, offsetBytes, lengthBytes) => find(name).slice(offsetBytes, offsetBytes + lengthBytes),
  };
}
