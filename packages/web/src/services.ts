/** What views need from outside, made once in `main.tsx` and handed down by context. */
import { createContext, use } from "react";
import type { Api } from "./api/client.ts";
import type { EventStream, Schedule } from "./api/live.ts";
import type { KeyValueStore } from "./paper/calibration.ts";

/** Server, clock and storage. */
export interface Services {
  readonly api: Api;
  /** This screen's clock, UTC ms. */
  readonly nowUnixMs: () => number;
  readonly storage: KeyValueStore;
  readonly openEvents: (path: string) => EventStream;
  readonly schedule: Schedule;
}

/** Context that carries {@link Services}. */
export const ServicesContext = createContext<Services | undefined>(undefined);

/** The services of the surrounding application. @throws {TypeError} outside of it. */
export function useServices(): Services {
  const services = use(ServicesContext);
  if (services === undefined) throw new TypeError("useServices: expected a surrounding ServicesContext");
  return services;
}
