/**
 * From keys a second to hours and money for all 2^56 keys.
 *
 * Sources: hashcat's own benchmark, mode 14000 (DES, known plaintext), of one RTX 3090: 67,531.9 MH/s (v6.1.1,
 * gist.github.com/Chick3nman/e4fcee00cb6d82874dace72106d73fef); a session of hashcat on one GTX 1080: 21,495.5 MH/s (v4.1.0,
 * hashcat forum, "Trying to crack 8 Byte DES key", March 2018). Money: a public README on NTLMv1, which is DES with a known
 * block, tells of about 30 USD for a search on hired cards. Paper A §IV: ten cores, 100 hours a device, 2 of 10 found.
 */
import { KEYS_PER_BLOCK } from "@pericard/protocol";

const DES_KEYS = 2 ** 56;
const SECONDS_PER_HOUR = 3600;
const USD_PER_SEARCH = 30;
/** Paper A §IV. */
const PAPER = { cores: 10, hours: 100, devices: 10 } as const;

/** Machines for which others have measured, and the rate at which the paper's ten cores may have searched. */
const KNOWN_RATES = [
  { machine: "ten cores at 10^9 keys/s in all, as the paper's may have been", keysPerSecond: 1e9 },
  { machine: "one GTX 1080 (hashcat)", keysPerSecond: 21_495.5e6 },
  { machine: "one RTX 3090 (hashcat)", keysPerSecond: 67_531.9e6 },
] as const;

/** What a rate means. Times are means over all places that a key may have. */
export interface Extrapolation {
  readonly machine: string;
  readonly keysPerSecond: number;
  /** Hours until one key is found. */
  readonly hoursForOne: number;
  /** Hours until the first of 120 keys that share a known block is found. */
  readonly hoursForFirstOf120: number;
  /** Devices of ten that are found within 100 hours each: when one key is searched, and when all 120 are. */
  readonly devicesOfTenForOne: number;
  readonly devicesOfTenFor120: number;
}

export interface Money {
  readonly usdForOne: number;
  readonly usdForFirstOf120: number;
  readonly usdForAll120: number;
}

/** For the measured rate of one core, ten of it, and machines that others measured. */
export function extrapolate(keysPerSecond: number): readonly Extrapolation[] {
  return [
    { machine: "one core here, through the platform's triple DES", keysPerSecond },
    { machine: "ten of it", keysPerSecond: PAPER.cores * keysPerSecond },
    ...KNOWN_RATES,
  ].map(extrapolateOne);
}

function extrapolateOne({ machine, keysPerSecond }: { readonly machine: string; readonly keysPerSecond: number }) {
  const hoursForAll = DES_KEYS / keysPerSecond / SECONDS_PER_HOUR;
  const share = Math.min(1, PAPER.hours / hoursForAll);
  return {
    machine,
    keysPerSecond,
    hoursForOne: hoursForAll / 2,
    hoursForFirstOf120: hoursForAll / (KEYS_PER_BLOCK + 1),
    devicesOfTenForOne: PAPER.devices * share,
    devicesOfTenFor120: PAPER.devices * (1 - (1 - share) ** KEYS_PER_BLOCK),
  };
}

/** A search through everything finds all keys that share a block; half of it finds one, on average. */
export const MONEY: Money = {
  usdForOne: USD_PER_SEARCH / 2,
  usdForFirstOf120: USD_PER_SEARCH / (KEYS_PER_BLOCK + 1),
  usdForAll120: USD_PER_SEARCH,
};
