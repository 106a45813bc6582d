/** Moving between views on the history API, without loading the page again. */
import { useSyncExternalStore } from "react";
import type { MouseEvent, ReactNode } from "react";
import { parseRoute } from "./route.ts";
import type { Route } from "./route.ts";

const NAVIGATED = "pericard:navigated";

/** The current view; re-renders when it changes. */
export function useRoute(): Route {
  const address = useSyncExternalStore(subscribe, currentAddress);
  const [path = "/", query = ""] = address.split("?", 2);
  return parseRoute(path, query);
}

/** Goes to an address of this application. */
export function navigate(to: string): void {
  history.pushState(null, "", to);
  dispatchEvent(new Event(NAVIGATED));
  scrollTo(0, 0);
}

/** Attributes of {@link Link}; `testId` becomes `data-testid`. */
export interface LinkProps {
  readonly to: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly current?: boolean;
  readonly title?: string;
  readonly testId?: string;
}

/** A real link, so that it can be opened in a new tab, that navigates in place on a plain click. */
export function Link({ to, children, className, current, title, testId }: LinkProps): ReactNode {
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  const state = current === true ? { "aria-current": "page" as const } : {};
  return (
    <a href={to} className={className} title={title} data-testid={testId} onClick={onClick} {...state}>
      {children}
    </a>
  );
}

function currentAddress(): string {
  return location.pathname + location.search;
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(NAVIGATED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(NAVIGATED, listener);
  };
}
