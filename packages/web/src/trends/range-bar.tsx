/** Choice of a time, and a button that prints what is shown. */
import type { ReactNode } from "react";
import { Link } from "../router/navigation.tsx";
import { RANGES } from "./time-range.ts";
import type { RangeName } from "./time-range.ts";

/** Props of {@link RangeBar}. */
export interface RangeBarProps {
  readonly range: RangeName;
  readonly pathOf: (range: RangeName) => string;
  readonly children?: ReactNode;
}

/** Links, so that each choice has an address. */
export function RangeBar({ range, pathOf, children }: RangeBarProps): ReactNode {
  return (
    <div className="trend-bar">
      <nav className="segments" aria-label="Time">
        {RANGES.map(({ name, label }) => (
          <Link key={name} to={pathOf(name)} current={name === range} testId={`range-${name}`}>
            {label}
          </Link>
        ))}
      </nav>
      {children}
      <button type="button" className="trend-print" onClick={() => print()} data-testid="print">
        Print
      </button>
    </div>
  );
}
