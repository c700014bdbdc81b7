import { z } from "zod";
import { defineStage, type StageContext } from "../../../pipeline/stage.ts";

/** What the stage `mischief` can do. */
export const MISCHIEFS = [
  ...["hang", "spin", "leak", "die", "throw"] as const,
  ...["print-line", "print-lines", "log-much", "fork", "connect", "read-outside"] as const,
  ...[
    "write-outside",
    "write-input",
    "no-output",
    "no-file",
    "wrong-form",
    "link",
    "link-outside",
  ] as const,
  ...["folder-for-file", "manifest", "false-result", "half-result", "exit-0"] as const,
];
export type Mischief = typeof MISCHIEFS[number];

/** What the stage gives once it behaves. */
export const GOOD = 7;

/** Behaves badly in its first attempt and well in every later one. */
export const mischief = defineStage({
  name: "mischief",
  describe: "Behave badly once",
  params: z.strictObject({ how: z.enum(MISCHIEFS) }),
  inputs: { number: { type: "number" } },
  outputs: { number: { type: "number" } },
  resources: () => ({ cores: 1, memory: 64 }),
  module: import.meta.url,
  async run(context) {
    const tried = `${context.scratch}/tried`;
    const again = await Deno.stat(tried).then(() => true, () => false);
    await Deno.writeTextFile(tried, "");
    if (!again) await BEHAVIOURS[context.params.how](context);
    if (again) await good(context);
  },
});

type Context = StageContext<{ how: Mischief }>;

async function good(context: Context): Promise<void> {
  await Deno.writeTextFile(`${context.output("number")}/number.json`, `${GOOD}\n`);
}

/** Writes 1 GiB to standard output, with or without line ends. */
function print(end: string): void {
  const block = new TextEncoder().encode(`${"x".repeat((1 << 16) - end.length)}${end}`);
  for (let i = 0; i < 1 << 14; i++) {
    for (let done = 0; done < block.length;) done += Deno.stdout.writeSync(block.subarray(done));
  }
}

const outside = (context: Context) => `${context.output("number")}/../../../outside`;

const BEHAVIOURS: Readonly<Record<Mischief, (context: Context) => Promise<void> | void>> = {
  hang: () => new Promise(() => setInterval(() => {}, 1000)),
  spin: () => {
    for (;;);
  },
  leak: () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(1 << 20).fill(0.5));
  },
  die: () => Deno.kill(Deno.pid, "SIGKILL"),
  throw: () => {
    throw new TypeError("it threw");
  },
  // These three do what they should in the end: nothing is wrong with their results.
  "print-line": (context) => (print(""), good(context)),
  "print-lines": (context) => (print("\n"), good(context)),
  "log-much": async (context) => {
    for (let i = 0; i < 100_000; i++) context.log("y".repeat(1000));
    await good(context);
  },
  fork: async () => {
    await new Deno.Command("/bin/true").output();
  },
  connect: async () => {
    await Deno.connect({ hostname: "127.0.0.1", port: 9 });
  },
  "read-outside": async () => {
    await Deno.readTextFile("/etc/passwd");
  },
  "write-outside": (context) => Deno.writeTextFile(outside(context), ""),
  "write-input": (context) =>
    Deno.writeTextFile(`${context.input("number").path}/number.json`, "8\n"),
  "no-output": () => {},
  "no-file": (context) => Deno.writeTextFile(`${context.output("number")}/other.json`, "7\n"),
  "wrong-form": (context) =>
    Deno.writeFile(`${context.output("number")}/number.json`, new Uint8Array()),
  link: async (context) => {
    await good(context);
    await Deno.symlink("number.json", `${context.output("number")}/same.json`);
  },
  "link-outside": (context) =>
    Deno.symlink("/etc/passwd", `${context.output("number")}/number.json`),
  "folder-for-file": (context) => Deno.mkdir(`${context.output("number")}/number.json`),
  manifest: async (context) => {
    await good(context);
    await Deno.writeTextFile(`${context.output("number")}/artifact.json`, "{}");
  },
  "false-result": async (context) => {
    const digests = { number: "../../../etc/passwd" };
    const result = { status: "done", digests, sizes: {}, peakMemoryBytes: 1 };
    await good(context);
    const line = `\n\u001eballast ${JSON.stringify({ type: "result", result })}\n`;
    await Deno.stdout.write(new TextEncoder().encode(line));
    Deno.exit(0);
  },
  "half-result": async (context) => {
    await good(context);
    const line = '\n\u001eballast {"type":"result","result":{"status":"do';
    await Deno.stdout.write(new TextEncoder().encode(line));
    Deno.exit(0);
  },
  "exit-0": () => Deno.exit(0),
};
