import { z } from "zod";
import { pathParam } from "../../../pipeline/path_param.ts";
import { defineStage, type Stage, type StageContext } from "../../../pipeline/stage.ts";
import { GOOD, mischief } from "./mischief.ts";
import { scale } from "./scale.ts";

async function write(context: StageContext<unknown>, value: number): Promise<void> {
  await Deno.writeTextFile(`${context.output("number")}/number.json`, `${value}\n`);
}

async function read(path: string): Promise<number> {
  return Number(await Deno.readTextFile(`${path}/number.json`));
}

const one = { cores: 1, memory: 64 };
const output = { number: { type: "number" } };

/** Gives a number. */
export const source = defineStage({
  name: "source",
  describe: "Give a number",
  params: z.strictObject({
    value: z.number().describe("the number"),
    file: pathParam({ kind: "file", describe: "a file with a number to add" }).optional(),
  }),
  inputs: {},
  outputs: output,
  resources: () => one,
  predict: ({ params }) => ({ outputs: { number: { digits: String(params.value).length } } }),
  module: import.meta.url,
  async run(context) {
    const { value, file } = context.params;
    await write(context, value + (file === undefined ? 0 : Number(await Deno.readTextFile(file))));
  },
});

/** Multiplies. */
export const multiply = defineStage({
  name: "multiply",
  describe: "Multiply a number",
  params: z.strictObject({
    factor: z.number(),
    modulo: z.number().optional(),
    mode: z.enum(["exact", "rounded"]).optional(),
  }),
  // All numbers here are small enough for both modes to give the same.
  keyParams: ({ mode: _, ...others }) => others,
  inputs: { number: { type: "number" } },
  outputs: output,
  resources: () => ({ cores: 1 }),
  /** As many digits as both factors; a digit takes half a second and a tenth of the machine. */
  predict: ({ params, inputs }) => {
    const digits = inputs.number[0]?.digits;
    if (typeof digits !== "number") return {};
    const amount = digits + String(params.factor).length;
    return {
      outputs: { number: { digits: amount } },
      work: { amount, unit: "digits", perSecond: 2, startSeconds: 1, like: "×", scale: digits },
      memory: [
        { what: "digits", bytes: amount * 100 * 2 ** 20 },
        { what: "process", bytes: 2 ** 20 },
      ],
    };
  },
  module: import.meta.url,
  async run(context) {
    const { factor, modulo } = context.params;
    const product = scale(await read(context.input("number").path), factor);
    await write(context, modulo === undefined ? product : product % modulo);
  },
});

/** Adds all. */
export const total = defineStage({
  name: "total",
  describe: "Add numbers",
  params: z.strictObject({}),
  inputs: { numbers: { type: "number", many: true } },
  outputs: output,
  resources: () => one,
  module: import.meta.url,
  async run(context) {
    const numbers = await Promise.all(context.inputs("numbers").map(({ path }) => read(path)));
    await write(context, numbers.reduce((sum, number) => sum + number, 0));
  },
});

/** What the stage `trouble` can do. */
const HOWS = ["throw", "nothing", "crash", "escape", "count", "chat", "outlast"] as const;

/** Misbehaves on purpose. */
export const trouble = defineStage({
  name: "trouble",
  describe: "Fail in a chosen way",
  params: z.strictObject({ how: z.enum(HOWS) }),
  inputs: { number: { type: "number", optional: true } },
  outputs: output,
  resources: ({ how }) => how === "chat" ? { ...one, turns: ["chat"] } : one,
  module: import.meta.url,
  async run(context) {
    const { how } = context.params;
    if (how === "throw") throw new TypeError("it threw");
    if (how === "crash") Deno.exit(7);
    if (how === "escape") await Deno.writeTextFile(`${context.output("number")}/../../../out`, "");
    if (how === "count") await countSlowly(context);
    if (how === "outlast") { // the beat of a lease
      await new Promise((resolve) => setTimeout(resolve, 6500));
      await write(context, GOOD);
    }
    if (how === "chat") {
      await Deno.stdout.write(new TextEncoder().encode("a library's text without a line end"));
      await write(context, 1);
    }
  },
});

/** Counts to 40 in 50 ms steps, keeping its place in scratch: killed anywhere, it goes on from there. */
async function countSlowly(context: StageContext<unknown>): Promise<void> {
  const place = `${context.scratch}/count`;
  let count = Number(await Deno.readTextFile(place).catch(() => "0"));
  while (count < 40) {
    if (context.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Deno.writeTextFile(place, String(++count));
    context.progress({ done: count, total: 40, unit: "counts" });
  }
  await write(context, count);
}

/** Counts the variables that its process was given, whether or not it may read them. */
export const environment = defineStage({
  name: "environment",
  describe: "Count variables that are set",
  params: z.strictObject({ variables: z.array(z.string()), declares: z.array(z.string()) }),
  inputs: {},
  outputs: output,
  // Which lets it call the C library, and that reads what it likes.
  resources: ({ declares }) => ({ ...one, native: ["onnxruntime"], environment: declares }),
  module: import.meta.url,
  async run(context) {
    const library = Deno.dlopen("libc.so.6", {
      getenv: { parameters: ["buffer"], result: "pointer" },
    });
    const { getenv } = library.symbols;
    const isSet = (name: string) => getenv(new TextEncoder().encode(`${name}\0`)) !== null;
    await write(context, context.params.variables.filter(isSet).length);
    library.close();
  },
});

/** The toy stages by name. */
export const toyStages: ReadonlyMap<string, Stage> = new Map<string, Stage>(
  [source, multiply, total, trouble, environment, mischief].map((
    stage,
  ) => [stage.name, stage as Stage]),
);
