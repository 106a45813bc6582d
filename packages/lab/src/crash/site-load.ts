/** A steady load on a site's server, of terminals of its own. */
import { systemRandom } from "@pericard/crypto";
import { Fleet } from "../bench/fleet.ts";
import { LabError } from "../errors.ts";
import type { Site } from "./site.ts";
import { SteadyLoad } from "./steady-load.ts";

/** Who uploads; the server's settings must name it. */
export const LOAD_CLIENT = { name: "load", token: "token-of-the-load-of-a-test" } as const;

/** Deploys a terminal for each lane and begins. What passes is heard on the site's link. */
export function startLoad(
  site: Site,
  { lanes, perSecondMax }: { readonly lanes: number; readonly perSecondMax: number },
): SteadyLoad {
  const fleet = site.withStore((store) => {
    const [tenant] = store.tenants();
    if (!tenant) throw new LabError("ERR_CHILD_FAILED", "site has no tenant");
    const nowUnixMs = Date.now;
    return Fleet.deploy({ store, tenant: tenant.id, terminalCount: lanes, random: systemRandom, nowUnixMs }).fleet;
  });
  return new SteadyLoad({ urls: [site.links.server.url], token: LOAD_CLIENT.token, fleet, lanes, perSecondMax });
}
