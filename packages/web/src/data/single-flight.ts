/** Runs a task one at a time: calls during a run are answered by one more run after it. */

/** Returns a trigger. `task` must not reject; what it has to say it says itself. */
export function singleFlight(task: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await task();
    } while (again);
    running = false;
  };
  return () => {
    again = true;
    if (!running) void run();
  };
}
