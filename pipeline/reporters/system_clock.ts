import type { Clock } from "./terminal.ts";

/** The machine's clock; its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: Date.now,
  every(milliseconds, action) {
    const timer = setInterval(action, milliseconds);
    Deno.unrefTimer(timer);
    return () => clearInterval(timer);
  },
};
