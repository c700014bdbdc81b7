import { portTypes } from "../../pipeline/transfer/port_types.ts";
import { formatBytes, formatCount } from "../../pipeline/reporters/quantities.ts";
import { printNotice } from "../output.ts";
import type { Session } from "../session.ts";
import { openPull } from "./open_link.ts";

/**
 * Takes from a cache what a session's plan lacks. A key is known once all its inputs are, so that each round
 * asks for what the last one made known, until nothing is found. The store must be shared by the caller.
 */
export async function pullPlanned(
  { context: { store }, plan }: Pick<Session, "context" | "plan">,
  options: { readonly cache: string; readonly offline: boolean },
): Promise<void> {
  await using opened = await openPull(store, options);
  const asked = new Set<string>();
  let found = 0;
  let bytes = 0;
  for (;;) {
    const wanted = (await plan()).flatMap(({ record, key, instance }) =>
      record !== null || key === null || asked.has(key) ? [] : [{ key, stage: instance.stage }]
    );
    if (wanted.length === 0) break;
    wanted.forEach(({ key }) => asked.add(key));
    const stages = wanted.map(({ stage: { name, outputs } }) =>
      [name, portTypes(outputs)] as const
    );
    const taken = await opened.link.pull(wanted.map(({ key }) => key), Object.fromEntries(stages));
    found += taken.keys.length;
    bytes += taken.bytes;
  }
  if (asked.size === 0) return;
  printNotice(`From the cache: ${formatCount(found, "result")}, ${formatBytes(bytes)}.`);
}
