/** Kernel ticks a second, as /proc counts them. */
const TICKS = 100;

/** Time used so far, in seconds over all cores. */
interface Used {
  /** By all processes, and by neighbours of a virtual machine (steal). */
  readonly machine: number;
  /** By this process and its ended children. */
  readonly own: number;
}

/**
 * Runs something that starts child processes and waits for them, and tells how many cores were busy
 * with anything else meanwhile: figures taken beside other work are worth little.
 */
export async function othersDuring<T>(
  run: () => Promise<T>,
): Promise<{ result: T; otherCores: number }> {
  const [before, start] = [await usedSoFar(), performance.now()];
  const result = await run();
  const [after, seconds] = [await usedSoFar(), (performance.now() - start) / 1000];
  const others = after.machine - before.machine - (after.own - before.own);
  return { result, otherCores: Math.max(0, others / seconds) };
}

/** Deno hides /proc from programs without all permissions; `cat` sees it. */
async function usedSoFar(): Promise<Used> {
  const command = new Deno.Command("cat", { args: ["/proc/stat", `/proc/${Deno.pid}/stat`] });
  return parseUsed(new TextDecoder().decode((await command.output()).stdout));
}

/** Reads `/proc/stat` followed by a process's `stat`; proc(5) numbers their fields. */
export function parseUsed(text: string): Used {
  const [user, nice, system, , , irq, softirq, steal] = numbers(text.match(/^cpu +(.*)$/m)![1]);
  // A process's name stands in brackets and may hold anything; the state, field 3, comes after it.
  const fields = numbers(text.slice(text.lastIndexOf(") ") + 4));
  const own = fields.slice(10, 14); // utime, stime, cutime, cstime
  return {
    machine: sum([user, nice, system, irq, softirq, steal]) / TICKS,
    own: sum(own) / TICKS,
  };
}

function numbers(text: string): number[] {
  return text.trim().split(/\s+/).map(Number);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
