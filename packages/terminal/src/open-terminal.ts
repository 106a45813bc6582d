/** The composition root: a terminal on this machine's disk, clock, generator and network. */
import { systemRandom } from "@pericard/crypto";
import { keepReserve, lockFolder, openDiskFolder } from "@pericard/framelog";
import type { UploadTarget } from "@pericard/trsm";
import { systemClock } from "./clock-system.ts";
import type { TerminalProfile } from "./terminal-parts.ts";
import { Terminal } from "./terminal.ts";
import type { TlsTrust } from "./upload/transport.ts";
import { createTransport } from "./upload/way.ts";

/** Room for counters and state on a disk that the journal has filled: without it no upload could free the journal. */
const RESERVE_FILE = "terminal.reserve";

/**
 * Opens the terminal that was deployed into a folder, for this process alone.
 *
 * @throws {FrameError} ERR_FOLDER_LOCKED when another process has it open.
 * @throws {TrsmError} when the module does not open. @throws {TerminalError} as the constructor of {@link Terminal}.
 */
export function openTerminal(folderPath: string, profile: TerminalProfile = {}, tls: TlsTrust = {}): Terminal {
  const lock = lockFolder(folderPath);
  try {
    const ports = {
      folder: keepReserve(openDiskFolder(folderPath), RESERVE_FILE),
      clock: systemClock,
      random: systemRandom,
      transport: (targets: readonly UploadTarget[]) => createTransport(targets, systemClock, { tls }),
    };
    return new Terminal(ports, profile, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}
