/** Line icons of the toolbar, 16 units square, in the colour of the text. */
import type { ReactNode } from "react";

const PATHS = {
  start: "M4 3v10M13 3.5 7 8l6 4.5z",
  end: "M12 3v10M3 3.5 9 8l-6 4.5z",
  back: "M11 3 5 8l6 5z",
  forward: "M5 3l6 5-6 5z",
  minus: "M3 8h10",
  plus: "M3 8h10M8 3v10",
  print: "M4.5 6V2.5h7V6M4.5 11H2.5V6h11v5h-2M4.5 9.5h7v4h-7z",
  ruler: "M1.5 5.5h13v5h-13zM4.5 5.5v2M7 5.5v3M9.5 5.5v2M12 5.5v3",
} as const;

/** Decorative: the button around it carries the words. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
