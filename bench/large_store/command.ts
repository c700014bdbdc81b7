/**
 * Measures commands on a store of very many artifacts.
 *
 *     deno task bench large-store --help
 */
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { userPath } from "../../cli/project.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { Store } from "../../pipeline/store/store.ts";
import { writeRecipe } from "../overhead/dag.ts";
import { runProgram } from "../run_program.ts";
import { CHAIN, type Fabricated, fabricateStore } from "./fabricate.ts";

/** Parts of the recipe that is planned and run over the store, of four stages each. */
const PARTS = 10;

/** A command's figures. */
interface Figure {
  readonly what: string;
  readonly seconds: number;
  /** Peak resident memory. */
  readonly megabytes: number;
}

function parseOptions(args: readonly string[]) {
  return new Command("deno task bench large-store")
    .description("Measures plan, run, status, verify and gc on a store of very many artifacts.")
    .option("--artifacts <count>", "artifacts in the store", count, 100_000)
    .option("--folder <path>", "where the store is made and removed again", "")
    .parse([...args], { from: "user" }).opts();
}

/** Runs the command; returns its exit code. */
export async function benchLargeStore(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const artifacts = Math.ceil(options.artifacts / (4 * CHAIN)) * 4 * CHAIN;
  const dir = options.folder === "" ? undefined : userPath(options.folder);
  const folder = await Deno.makeTempDir({ dir, prefix: "ballast-bench-" });
  try {
    const store = Store.open(join(folder, "store"));
    printNotice("making the store …");
    const made = await fabricateStore(store, artifacts);
    await writeRecipe(folder, PARTS);
    printNotice(`${made.objects.size} artifacts, ${made.keys.size} keys`);
    const figures = await measureCommands(folder);
    requireExactly(store, made);
    printResult(alignColumns([
      ["", "s", "peak MB"],
      ...figures.map(({ what, seconds, megabytes }) => [
        what,
        seconds.toFixed(2),
        megabytes.toFixed(0),
      ]),
    ]));
    const { objects, keys } = made.garbage;
    printResult(`gc removed ${objects.size} objects and ${keys.size} keys, those that it should.`);
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureCommands(folder: string): Promise<Figure[]> {
  const recipe = ["--recipe", join(folder, "overhead.yaml")];
  const run = ["reproduce", ...recipe, "--progress", "none"];
  const change = [...run, "--set", "tokenizer-1.padToken=<pad>"];
  const figures: Figure[] = [];
  for (
    const [what, ...words] of [
      [`run of ${4 * PARTS} stages`, ...run],
      ["plan", "plan", ...recipe],
      ["run with nothing to do", ...run],
      ["run with one changed parameter", ...change],
      ["status", "status"],
      ["query of the catalog", "status", "--sql", "SELECT count(*) FROM keys"],
      ["verify", "verify"],
      ["verify --deep", "verify", "--deep"],
      ["gc", "gc", "--json"],
      ["gc --delete", "gc", "--delete", "--json"],
    ]
  ) {
    const figure = await measure(what, [...words, "--store", join(folder, "store")]);
    printNotice(`${what}: ${figure.seconds.toFixed(2)} s, ${figure.megabytes.toFixed(0)} MB`);
    figures.push(figure);
  }
  return figures;
}

async function measure(what: string, words: readonly string[]): Promise<Figure> {
  const { stdout, seconds } = await runProgram({
    name: what,
    program: "/bin/sh",
    // GNU time's last line is the exit code and the peak in KiB of what it started.
    args: [
      ...["-c", '/usr/bin/time -f "%x %M" "$@" 2>&1 >/dev/null | tail -n 1', "sh"],
      ...[Deno.execPath(), "task", "-q", "ballast", ...words],
    ],
  });
  const [code, kilobytes] = stdout.trim().split(" ").map(Number);
  if (code !== 0 || !(kilobytes > 0)) throw new ExpectedError(`${what} failed: ${stdout}`);
  return { what, seconds, megabytes: kilobytes * 1024 / 1e6 };
}

/** Requires that what `gc` removed is what nothing refers to, no less and no more. */
export function requireExactly(store: Store, { objects, keys, garbage }: Fabricated): void {
  const left = { objects: new Set(store.listObjects()), keys: new Set(store.listKeys()) };
  const remain = [...garbage.objects].filter((digest) => left.objects.has(digest)).length +
    [...garbage.keys].filter((key) => left.keys.has(key)).length;
  const lost = [...objects].filter((one) => !garbage.objects.has(one) && !left.objects.has(one))
    .length + [...keys].filter((one) => !garbage.keys.has(one) && !left.keys.has(one)).length;
  if (remain === 0 && lost === 0) return;
  throw new ExpectedError(
    `Expected gc to remove what nothing refers to and nothing else, but ${remain} such things ` +
      `remain, and ${lost} others are gone.`,
  );
}
