/** Where a running gateway listens, in its own folder, so that whoever may read that folder can ask it how it is. */
import { FrameError, type Folder } from "@pericard/framelog";

const ADDRESS_FILE = "gateway.json";

/** A gateway's place. Nothing in it is secret. */
export interface GatewayAddress {
  readonly url: string;
  /** Addresses of its upstreams, in order of preference. */
  readonly upstreams: readonly string[];
}

/** Keeps the address. A disk that has no room for it must not stop a gateway. */
export function writeAddress(folder: Folder, address: GatewayAddress): void {
  try {
    folder.replace(ADDRESS_FILE, new TextEncoder().encode(`${JSON.stringify(address)}\n`));
  } catch (error) {
    if (!(error instanceof FrameError) && !/^E[A-Z]+$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

/** The address that a gateway of this folder wrote last, or undefined. It may have stopped since. */
export function readAddress(folder: Pick<Folder, "read">): GatewayAddress | undefined {
  const bytes = folder.read(ADDRESS_FILE);
  if (!bytes) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<GatewayAddress> | null;
    const { url, upstreams } = value ?? {};
    const isWhole = typeof url === "string" && URL.canParse(url) && Array.isArray(upstreams);
    return isWhole && upstreams.every((one) => typeof one === "string") ? { url, upstreams } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
