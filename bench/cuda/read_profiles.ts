import { join } from "node:path";

/** What nodes of one kind took in all runs that were noted. */
interface Taken {
  readonly op: string;
  readonly milliseconds: number;
  readonly count: number;
}

interface ProfileEvent {
  readonly cat?: string;
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly provider?: string;
    readonly input_type_shape?: unknown;
    readonly output_type_shape?: unknown;
  };
}

/** Runs that are left out where there are more. */
const WARM_UP = 2;

/** Kinds, and single nodes, that are worth bringing home. */
const LISTED = 40;

/**
 * Sums up the profiles that sessions wrote into a folder, by kind of node and by node: the larger a
 * session, the more it tells. The files themselves are removed, being large.
 */
export async function readProfiles(folder: string, prefix: string): Promise<unknown> {
  const sessions: unknown[] = [];
  for (const { name } of [...Deno.readDirSync(folder)]) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const events: ProfileEvent[] = JSON.parse(await Deno.readTextFile(path));
    await Deno.remove(path);
    const runs = events.filter(({ name }) => name === "model_run");
    // The first runs load kernels and make room.
    const warm = runs.length > WARM_UP ? runs[WARM_UP - 1].ts + runs[WARM_UP - 1].dur : 0;
    const nodes = events.filter(({ cat, name, ts }) =>
      cat === "Node" && name.endsWith("_kernel_time") && ts >= warm
    );
    const kernels = events.filter(({ cat }) => cat === "Kernel");
    sessions.push({
      runs: runs.length,
      lastRuns: runs.slice(-5).map(({ dur }) => dur / 1000),
      nodes: nodes.length,
      memcpys: nodes.filter(({ args }) => args?.op_name?.startsWith("Memcpy")).length,
      byKind: summed(nodes, ({ args }) => `${args?.op_name} ${args?.provider}`).slice(0, LISTED),
      byNode: summed(nodes, ({ name, args }) => `${name} ${shapesOf(args)}`).slice(0, LISTED),
      kernels: summed(kernels, ({ name }) => name).slice(0, LISTED),
    });
  }
  return sessions;
}

function summed(events: readonly ProfileEvent[], kindOf: (event: ProfileEvent) => string): Taken[] {
  const kinds = new Map<string, { milliseconds: number; count: number }>();
  for (const event of events) {
    const kind = kindOf(event);
    const { milliseconds, count } = kinds.get(kind) ?? { milliseconds: 0, count: 0 };
    kinds.set(kind, { milliseconds: milliseconds + event.dur / 1000, count: count + 1 });
  }
  return [...kinds].map(([op, taken]) => ({ op, ...taken }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function shapesOf(args: ProfileEvent["args"]): string {
  return JSON.stringify([args?.input_type_shape, args?.output_type_shape]).slice(0, 200);
}
