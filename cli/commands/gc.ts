import { collectGarbage, listGarbage } from "../../pipeline/gc.ts";
import { formatBytes } from "../../pipeline/reporters/quantities.ts";
import { printJson, printResult } from "../output.ts";
import { openStore } from "../session.ts";

/** Lists what no kept run needs, or removes it. */
export async function gc(
  options: { delete: boolean; keep?: number; store?: string; json: boolean },
): Promise<void> {
  const store = openStore(options.store);
  const keep = { runs: options.keep, now: Date.now() };
  const list = options.delete ? await collectGarbage(store, keep) : listGarbage(store, keep);
  if (options.json) return printJson({ deleted: options.delete, ...list });
  const lines = list.garbage.map(({ kind, bytes, what }) =>
    `${kind.padEnd(10)} ${formatBytes(bytes).padStart(9)}  ${what}`
  );
  const verb = options.delete ? "removed" : "would be removed; --delete does it";
  printResult([
    ...lines,
    `${list.garbage.length} things, ${formatBytes(list.bytes)} ${verb}. ` +
    `${list.keptObjects} objects and ${list.keptKeys} keys stay.`,
  ].join("\n"));
}
