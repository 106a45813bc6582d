/** Ways to the recordings before and after this one, with the reason of the split. */
import type { ReactNode } from "react";
import type { Neighbour, Recording } from "../api/types.ts";
import { causeText } from "../format/words.ts";
import { Link } from "../router/navigation.tsx";
import { recordingPath } from "../router/route.ts";

/** Links to predecessor and successor, as far as there are any. */
export function NeighbourLinks({ recording }: { readonly recording: Recording }): ReactNode {
  const { predecessor, successor } = recording;
  if (predecessor === null && successor === null) return null;
  return (
    <nav className="neighbours" aria-label="Neighbouring recordings">
      <NeighbourLink neighbour={predecessor} way="predecessor" />
      <NeighbourLink neighbour={successor} way="successor" />
    </nav>
  );
}

interface NeighbourLinkProps {
  readonly neighbour: Neighbour | null;
  readonly way: "predecessor" | "successor";
}

/** The earlier recording opens at its end, where this one follows. */
function NeighbourLink({ neighbour, way }: NeighbourLinkProps): ReactNode {
  if (neighbour === null) return null;
  const earlier = way === "predecessor";
  const to = recordingPath(neighbour.recordingId, earlier ? "end" : undefined);
  const cause = causeText(neighbour.cause);
  return (
    <Link to={to} className="neighbour" testId={way} title={`Split because: ${cause}`}>
      {earlier ? "\u2190 Earlier" : "Later"}
      <span className="wide-only"> part</span>
      {!earlier && " \u2192"}
      <span className="neighbour-cause wide-only"> ({cause})</span>
    </Link>
  );
}
