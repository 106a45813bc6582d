/** A button that opens a small panel; Escape, a second press and a press elsewhere close it. */
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";

/** Props of {@link Popover}. */
export interface PopoverProps {
  readonly label: string;
  readonly testId: string;
  readonly children: ReactNode;
  readonly className?: string;
}

/** Built on `details`, which browsers make accessible by themselves. */
export function Popover({ label, testId, children, className = "" }: PopoverProps): ReactNode {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event): void => {
      const element = details.current;
      if (element === null || !element.open) return;
      const escape = event instanceof KeyboardEvent && event.key === "Escape";
      const elsewhere = event.type === "pointerdown" && event.target instanceof Node && !element.contains(event.target);
      if (escape || elsewhere) element.open = false;
    };
    addEventListener("keydown", close);
    addEventListener("pointerdown", close);
    return () => {
      removeEventListener("keydown", close);
      removeEventListener("pointerdown", close);
    };
  }, []);
  return (
    <details ref={details} className={`popover ${className}`} data-testid={testId}>
      <summary>{label}</summary>
      <div className="popover-panel">{children}</div>
    </details>
  );
}
