/**
 * Loaded before everything else in a process of its own: notes every write and sync of a descriptor, in the order in
 * which the disk is told, in the file that PERICARD_TRACE names. Threads load it too.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const traceFile = process.env["PERICARD_TRACE"] ?? "";
const original = { writevSync: fs.writevSync, fdatasyncSync: fs.fdatasyncSync };

function note(what: string): void {
  const descriptor = fs.openSync(traceFile, "a");
  fs.writeSync(descriptor, `${what}\n`);
  fs.closeSync(descriptor);
}

fs.writevSync = (descriptor, buffers) => {
  const written = original.writevSync(descriptor, buffers);
  note(`write ${descriptor}`);
  return written;
};
fs.fdatasyncSync = (descriptor) => {
  original.fdatasyncSync(descriptor);
  note(`sync ${descriptor}`);
};
syncBuiltinESMExports();
