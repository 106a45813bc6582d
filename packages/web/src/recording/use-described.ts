/** What the caches of samples hang on. */
import { useMemo } from "react";
import type { Described } from "../api/client.ts";
import type { Recording } from "../api/types.ts";

/** Id, leads and stream as one object that stays the same while later answers say the same. */
export function useDescribed({ id, leads }: Pick<Recording, "id" | "leads">, stream?: number): Described {
  const text = JSON.stringify(leads);
  return useMemo(() => ({ id, leads: JSON.parse(text) as Recording["leads"], stream }), [id, text, stream]);
}
