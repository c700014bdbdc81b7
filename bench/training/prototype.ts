import { join } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import type { Contender, Figures } from "./measure.ts";
import { PROTOTYPE } from "./shapes.ts";
import { type Malloc, MALLOCS } from "./systems.ts";

/** Settings of memory under which the prototype is measured. */
const SETTINGS: readonly Malloc[] = ["none", "huge"];

/** The line with its times and its peak memory. */
const FIGURES = /step first ([\d.]+) best [\d.]+ med ([\d.]+) ms.*HWM ([\d.]+) MB/;

/** A copy of the prototype in a folder that is removed in the end. */
export class PrototypeCopy {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the prototype's sources and installs its packages. */
  static async make(source: string): Promise<PrototypeCopy> {
    const folder = await Deno.makeTempDir({ prefix: "ballast-prototype-" });
    for await (const { name, isFile } of Deno.readDir(source)) {
      // Written, not copied: the source may be read-only.
      if (isFile) await Deno.writeFile(join(folder, name), await Deno.readFile(join(source, name)));
    }
    const command = new Deno.Command(Deno.execPath(), {
      // Without scripts: onnxruntime's only fetches what graphics cards need.
      args: ["install", "--quiet"],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    });
    const { success, stderr } = await command.output();
    if (success) return new PrototypeCopy(folder);
    await Deno.remove(folder, { recursive: true });
    throw new ExpectedError(`${source}: ${new TextDecoder().decode(stderr)}`);
  }

  /** The prototype at one of its configurations, with `steps` steps, the first of them warm-up. */
  contenders(name: keyof typeof PROTOTYPE, steps: number): Contender[] {
    return SETTINGS.map((malloc) => ({
      system: { name: `prototype@${malloc}`, what: "the prototype; pairs/s by its median step" },
      run: () => this.#run(name, { steps, malloc }),
    }));
  }

  /** Removes the copy. */
  async remove(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #run(
    name: keyof typeof PROTOTYPE,
    { steps, malloc }: { steps: number; malloc: Malloc },
  ): Promise<Figures> {
    const startedAt = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "bench.ts", `cfg=${name}`, `steps=${steps}`],
      cwd: this.#folder,
      env: { ...MALLOCS[malloc] },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    let readyAt = NaN;
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      // Its first line comes when it is ready to take its first step.
      if (text === "") readyAt = performance.now();
      text += piece;
    }
    const match = text.match(FIGURES);
    if (match === null) throw new ExpectedError(`The prototype printed no figures:\n${text}`);
    const [first, median, peak] = match.slice(1).map(Number);
    const { sequences, length } = PROTOTYPE[name];
    return {
      pairsPerSecond: sequences / 2 / median * 1000,
      tokensPerSecond: sequences * length / median * 1000,
      peakBytes: peak * 1e6,
      secondsToFirstStep: (readyAt - startedAt + first) / 1000,
    };
  }
}
