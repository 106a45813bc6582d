/** The application: session first, then the view that the address names. */
import { useCallback } from "react";
import type { ReactNode } from "react";
import type { Session } from "../api/types.ts";
import { Link, useRoute } from "../router/navigation.tsx";
import type { Route } from "../router/route.ts";
import { TerminalView } from "../terminal/terminal-view.tsx";
import { RecordingView } from "../recording/recording-view.tsx";
import { useServices } from "../services.ts";
import { Empty, Failure, Loading } from "./notice.tsx";
import { PatientsView } from "./patients-view.tsx";
import { useResource } from "./use-resource.ts";

/** Root component. Without a session the server's 401 leads to the sign-in page. */
export function App(): ReactNode {
  const { api } = useServices();
  const route = useRoute();
  const session = useResource(useCallback((signal: AbortSignal) => api.session(signal), [api]));
  if (session.value === undefined) return <Waiting error={session.error} onRetry={session.reload} />;
  return (
    <div className="app">
      <TopBar session={session.value} />
      <main className="view">
        <View route={route} />
      </main>
      <footer className="footer" data-testid="footer">
        Display only. Pericard makes no diagnosis.
      </footer>
    </div>
  );
}

function Waiting({
  error,
  onRetry,
}: {
  readonly error: Parameters<typeof Failure>[0]["error"] | undefined;
  readonly onRetry: () => void;
}): ReactNode {
  if (error === undefined || error.status === 401) return <Loading what="your session" />;
  return <Failure error={error} onRetry={onRetry} />;
}

function View({ route }: { readonly route: Route }): ReactNode {
  if (route.view === "patients") return <PatientsView chosen={undefined} />;
  if (route.view === "patient") return <PatientsView chosen={route} />;
  if (route.view === "recording")
    return <RecordingView key={route.recordingId} recordingId={route.recordingId} at={route.at} />;
  if (route.view === "terminal") return <TerminalView key={route.serial} serial={route.serial} />;
  return (
    <Empty>
      There is no such page. <Link to="/">Go to the patients.</Link>
    </Empty>
  );
}

function TopBar({ session }: { readonly session: Session }): ReactNode {
  const { api } = useServices();
  const signOut = (): void => {
    api.signOut().then(leave, leave);
  };
  return (
    <header className="top-bar">
      <Link to="/" className="wordmark" testId="home-link">
        Pericard
      </Link>
      <span className="account" data-testid="account">
        <span className="account-name">{session.account.name}</span>
        <span className="account-role">{session.account.role}</span>
      </span>
      <button type="button" className="button-quiet" onClick={signOut} data-testid="sign-out">
        Sign out
      </button>
    </header>
  );
}

function leave(): void {
  location.assign("/sign-in");
}
