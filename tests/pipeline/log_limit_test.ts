import assert from "node:assert/strict";
import type { WorkerMessage } from "../../pipeline/executor.ts";
import { limitLogs } from "../../pipeline/log_limit.ts";

Deno.test("limitLogs() passes on the first lines, says once that there were more, and leaves progress alone", () => {
  const told: WorkerMessage[] = [];
  const listen = limitLogs((message) => told.push(message));
  const line = { type: "log", level: "info", message: "x".repeat(1 << 20) } as const;
  for (let i = 0; i < 10; i++) listen(line);
  const progress = { type: "progress", progress: { done: 1, total: 2, unit: "steps" } } as const;
  listen(progress);
  assert.deepEqual(told.slice(0, 4), [line, line, line, line]);
  assert.deepEqual(told.slice(4), [{
    type: "log",
    level: "warning",
    message: "It logs more than 4194304 characters; what follows is left out.",
  }, progress]);
});
