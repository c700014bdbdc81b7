import { join } from "node:path";
import type { Random } from "../../../core/random.ts";
import { ballast, digestsOf, type RunDocument } from "../../end_to_end/ballast.ts";
import type { Tell, Verdict } from "./outcome.ts";
import { damageIn, faultAfter, type Victim } from "./victim.ts";

/** What befalls a file. */
const DAMAGES = {
  "a changed byte": async (path: string, random: Random) => {
    const bytes = await Deno.readFile(path);
    if (bytes.length > 0) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
    await rewrite(path, bytes);
  },
  "cut in the middle": async (path: string) => {
    const bytes = await Deno.readFile(path);
    await rewrite(path, bytes.subarray(0, bytes.length >> 1));
  },
  empty: (path: string) => rewrite(path, new Uint8Array()),
  zeros: async (path: string) => rewrite(path, new Uint8Array((await Deno.stat(path)).size)),
  gone: (path: string) => Deno.remove(path),
  "a folder in its place": async (path: string) => {
    await Deno.remove(path);
    await Deno.mkdir(path);
  },
} as const;

/** Kinds of file in a store, and where one is found. */
const FILES: Readonly<Record<string, (store: string, random: Random) => string>> = {
  "an object's file": (store, random) =>
    random.pick(
      filesBelow(join(store, "objects")).filter((path) => !path.endsWith("/artifact.json")),
    ),
  "an object's record": (store, random) =>
    random.pick(
      filesBelow(join(store, "objects")).filter((path) => path.endsWith("/artifact.json")),
    ),
  "a key's record": (store, random) => random.pick(filesBelow(join(store, "keys"))),
  "an instance's last key": (store, random) => random.pick(filesBelow(join(store, "instances"))),
  "a run's record": (store) => join(store, "runs", "0001.json"),
  "a run's events": (store) => join(store, "runs", "0001.events.ndjson"),
  "the catalog": (store) => join(store, "catalog.duckdb"),
  "the timings": (store) => join(store, "timings.json"),
  "the remembered digests": (store) => join(store, "digests.json"),
  "the remembered module graph": (store) => join(store, "module_graph.json"),
  "the remembered recipes": (store) => join(store, "recipe_texts.json"),
  "the store's format": (store) => join(store, "format.json"),
  "the lock": (store) => join(store, "lock"),
};

/** Further faults of a whole store. */
const OTHERS: Readonly<Record<string, (store: string, random: Random) => Promise<void>>> = {
  "a file that no object owns": (store, random) =>
    Deno.writeTextFile(join(random.pick(foldersIn(store)), "stray.json"), "{}"),
  "a link in an object": (store, random) =>
    Deno.symlink("/etc/hostname", join(random.pick(foldersIn(store)), "link")),
  "a name that is no digest among the objects": (store) =>
    Deno.mkdir(join(store, "objects", "zz"), { recursive: true }).then(() =>
      Deno.writeTextFile(join(store, "objects", "zz", "what"), "")
    ),
  "all keys gone": (store) => Deno.remove(join(store, "keys"), { recursive: true }),
  "all objects gone": (store) => Deno.remove(join(store, "objects"), { recursive: true }),
  "all runs gone": (store) => Deno.remove(join(store, "runs"), { recursive: true }),
  "a file for the folder tmp": (store) => inPlaceOf(join(store, "tmp")),
  "a file for the folder scratch": (store) => inPlaceOf(join(store, "scratch")),
  "a file for the folder keys": (store) => inPlaceOf(join(store, "keys")),
  "a file for the folder runs": (store) => inPlaceOf(join(store, "runs")),
};

/** What a message must say so that a person can act on it. */
const ADVICE = /verify --repair|Move it|--store|run it again/;

/**
 * Damages each kind of file of a store in each way, where half of a recipe is done, and goes on.
 *
 * @param base the store, whose run `victim` goes on with
 */
export async function damageStores(
  victim: Victim,
  { folder, base, random, every }: {
    readonly folder: string;
    readonly base: string;
    readonly random: Random;
    /** One in so many faults. */
    readonly every: number;
  },
  tell: Tell,
): Promise<void> {
  const faults = [
    ...Object.entries(FILES).flatMap(([file, find]) =>
      Object.entries(DAMAGES).map(([damage, apply]) => ({
        kind: `${file}: ${damage}`,
        apply: (store: string) => apply(find(store, random), random),
      }))
    ),
    ...Object.entries(OTHERS).map(([kind, apply]) => ({
      kind,
      apply: (store: string) => apply(store, random),
    })),
  ];
  for (const { kind, apply } of faults.filter((_, i) => i % every === 0)) {
    const store = join(folder, "damaged");
    await copy(base, store);
    await apply(store);
    tell({ part: "store", kind, ...await verdictOn(victim, store) });
    await Deno.remove(store, { recursive: true });
  }
}

/** Runs, and where that is refused does what the message says and runs again. */
async function verdictOn(
  victim: Victim,
  store: string,
): Promise<{ verdict: Verdict; detail?: string }> {
  const first = await ballast([...victim.args(store), "--json"], victim.place);
  if (first.code === 0) {
    const digests = digestsOf(JSON.parse(first.stdout) as RunDocument);
    const wrong = Object.entries(victim.calm.digests).find(([id, digest]) =>
      digests[id] !== digest
    );
    if (wrong !== undefined) return { verdict: "wrong", detail: `${wrong[0]} has another digest` };
    if (await damageIn(store) === null) return { verdict: "healed" };
  } else if (!ADVICE.test(first.stderr) || /\n +at /.test(first.stderr)) {
    return { verdict: "wrong", detail: `exit code ${first.code}: ${first.stderr.trim()}` };
  }
  await followAdvice(victim, store, first.stderr);
  const fault = await faultAfter(victim, store);
  if (fault !== null) {
    return { verdict: "wrong", detail: `${fault}\nafter: ${first.code} ${first.stderr.trim()}` };
  }
  return { verdict: "told" };
}

/** Does what the message says: moves a thing out of the way, puts the format back, or has `verify` repair. */
async function followAdvice({ place }: Victim, store: string, message: string): Promise<void> {
  const inTheWay = /Cannot (?:write|read) (\S+): a (?:file|folder) is in the way/.exec(message);
  if (inTheWay !== null) {
    // The path is that of what was to be written: the thing in the way is it, or a folder above it.
    for (let path = inTheWay[1]; path.startsWith(`${store}/`); path = join(path, "..")) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  } else if (message.includes("format.json is damaged")) {
    const marker = join(store, "format.json");
    await Deno.remove(marker, { recursive: true });
    await Deno.writeTextFile(marker, '{"format":1}');
  } else await ballast(["verify", "--repair", "--store", store], place);
}

/** Copies a folder as it is. */
export async function copy(from: string, to: string): Promise<void> {
  await new Deno.Command("cp", { args: ["-a", from, to] }).output();
}

async function rewrite(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.chmod(path, 0o644);
  await Deno.writeFile(path, bytes);
}

async function inPlaceOf(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  await Deno.writeTextFile(folder, "");
}

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesBelow(path) : [path];
  }).sort();
}

/** The folders of all objects. */
function foldersIn(store: string): string[] {
  return filesBelow(join(store, "objects")).filter((path) => path.endsWith("/artifact.json"))
    .map((path) => join(path, ".."));
}
