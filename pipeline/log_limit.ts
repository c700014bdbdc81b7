import type { WorkerMessage } from "./executor.ts";

/** Characters of log lines that are kept of one attempt; the events of a run are kept whole. */
const MOST = 4 << 20;

/** Passes messages on; of log lines the first 4 Mi characters alone, and then once that there were more. */
export function limitLogs(
  listen: (message: WorkerMessage) => void,
): (message: WorkerMessage) => void {
  let left = MOST;
  return (message) => {
    if (message.type !== "log") return listen(message);
    if (left < 0) return;
    left -= message.message.length;
    if (left >= 0) return listen(message);
    const text = `It logs more than ${MOST} characters; what follows is left out.`;
    listen({ type: "log", level: "warning", message: text });
  };
}
