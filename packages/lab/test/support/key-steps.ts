/** What happens to a key change by chance: contacts, a network that loses, repeats and reorders, and power that goes. */
import * as fc from "fast-check";
import type { Cut, KeyWorld } from "./key-world.ts";

type Delivery = { readonly do: "deliver" | "repeat" | "lose"; readonly up: boolean; readonly at: number };
/** One thing that happens. */
export type Step =
  | Delivery
  | { readonly do: "contact" | "restart server" | "restart terminal" | "hours" }
  | { readonly do: "seal"; readonly count: number }
  | { readonly do: "cut server" | "cut terminal"; readonly cut: Cut };

const cut = fc.record({ writes: fc.nat(3), when: fc.constantFrom("before" as const, "after" as const) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ do: "contact" }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("deliver" as const, "deliver" as const, "repeat" as const, "lose" as const),
      up: fc.boolean(),
      at: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("seal" as const), count: fc.nat(500) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ do: "restart server" }, { do: "restart terminal" }, { do: "hours" }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("cut server" as const, "cut terminal" as const), cut }) },
);

/** Up to 40 things that happen, one after the other. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 40 });

/** Lets it happen. */
export async function takeStep(world: KeyWorld, what: Step): Promise<void> {
  if ("up" in what) await move(world, what);
  else if (what.do === "contact") await world.contact();
  else if (what.do === "restart server") world.restartServer();
  else if (what.do === "restart terminal") world.restartTerminal();
  else if (what.do === "hours") world.nowUnixMs += 2 * 3600 * 1000;
  else if (what.do === "seal") world.seal(what.count);
  else if (what.do === "cut server") world.serverPower.cut = what.cut;
  else if (what.do === "cut terminal") world.terminalPower.cut = what.cut;
}

/** Delivers, repeats or loses one of the messages that are under way. */
async function move(world: KeyWorld, what: Delivery): Promise<void> {
  const queue = what.up ? world.toServer : world.toTerminal;
  const bytes = queue[what.at];
  if (!bytes) return;
  if (what.do !== "repeat") queue.splice(what.at, 1);
  if (what.do === "lose") return;
  if (what.up) await world.receive(bytes);
  else world.take(bytes);
}
