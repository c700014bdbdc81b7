import { formatBytes } from "../../pipeline/reporters/quantities.ts";
import { verifyStore } from "../../pipeline/verify.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import { printJson, printResult, showProgress } from "../output.ts";
import { seldom } from "../seldom.ts";
import { openStore } from "../session.ts";

/** Checks the store; returns 1 when something in it is damaged. */
export async function verify(
  options: { deep: boolean; repair: boolean; rebuild: boolean; store?: string; json: boolean },
): Promise<number> {
  const { deep, repair, rebuild } = options;
  const found = await verifyStore(openStore(options.store), {
    repair,
    rebuild,
    types: deep ? artifactTypes : undefined,
    progress: seldom(showProgress, () => performance.now()),
  });
  if (options.json) printJson(found);
  else {
    const damages = found.damages.map(({ path, faults, movedTo }) =>
      `${path}: ${faults.join("; ")}${movedTo === null ? "" : ` (moved to ${movedTo})`}`
    );
    const incomplete = found.incompleteKeys.map((key) =>
      `keys/${key}: its results are not all here`
    );
    const sizes = `${found.objects} objects (${
      formatBytes(found.bytes)
    }), ${found.keys} keys, ${found.runs} runs`;
    const verdict = damages.length === 0
      ? "all as written"
      : `${damages.length} damaged${
        repair ? "" : "; --repair moves them away, and the next run makes them again"
      }`;
    printResult([...damages, ...incomplete, `${sizes}: ${verdict}`].join("\n"));
  }
  return found.damages.length === 0 ? 0 : 1;
}
