/** The feed of one recording in a component. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { livePath } from "../api/client.ts";
import { RecordingFeed } from "../data/recording-feed.ts";
import type { FeedSnapshot } from "../data/recording-feed.ts";
import { useServices } from "../services.ts";

/** The newest description known, how fresh it is, and a way to ask again. */
export interface LiveRecording extends FeedSnapshot {
  readonly reload: () => void;
}

/** Loads the recording and follows its events until it can no longer change. */
export function useLiveRecording(recordingId: string): LiveRecording {
  const { api, nowUnixMs, openEvents, schedule } = useServices();
  const feed = useMemo(() => {
    const load = (signal: AbortSignal): ReturnType<typeof api.recording> => api.recording(recordingId, signal);
    return new RecordingFeed({ load, openEvents: () => openEvents(livePath(recordingId)), nowUnixMs, schedule });
  }, [api, nowUnixMs, openEvents, recordingId, schedule]);
  useEffect(() => feed.start(), [feed]);
  const snapshot = useSyncExternalStore(feed.subscribe, feed.snapshot);
  return { ...snapshot, reload: feed.reload };
}
