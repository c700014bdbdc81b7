import { loadAdapter, mergeAdapter } from "./models/adapter.ts";
import { type Model, saveModel } from "./models/model.ts";

/** The folder of a snapshot, such as `step-000040`. */
export function snapshotName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/** What is trained, kept along training: one folder a step asked for, and `index.json`. */
export class SnapshotFolder {
  readonly #folder: string;
  readonly #steps: ReadonlySet<number>;
  readonly #write: (folder: string) => Promise<void>;

  /** @param write writes what training has come to into a folder */
  constructor(
    { folder, steps }: { readonly folder: string; readonly steps: readonly number[] },
    write: (folder: string) => Promise<void>,
  ) {
    this.#folder = folder;
    this.#steps = new Set(steps);
    this.#write = write;
  }

  /** Whether a step is asked for. */
  keeps(step: number): boolean {
    return this.#steps.has(step);
  }

  /** Keeps the weights when this step is asked for. A snapshot is written whole or not at all. */
  async save(step: number): Promise<void> {
    if (!this.keeps(step)) return;
    const path = `${this.#folder}/${snapshotName(step)}`;
    const temporary = `${path}.tmp`;
    await remove(temporary);
    await this.#write(temporary);
    await remove(path);
    await Deno.rename(temporary, path);
  }

  /** Whether every snapshot asked for up to this step is there, as a run that goes on needs. */
  async holds(step: number): Promise<boolean> {
    for (const kept of this.#steps) {
      if (kept <= step && !await isFolder(`${this.#folder}/${snapshotName(kept)}`)) return false;
    }
    return true;
  }

  /** Writes `index.json`: which steps were kept. Called once, when all of them are there. */
  async finish(): Promise<void> {
    await Deno.mkdir(this.#folder, { recursive: true });
    const steps = [...this.#steps].sort((a, b) => a - b);
    await Deno.writeTextFile(`${this.#folder}/index.json`, `${JSON.stringify({ steps })}\n`);
  }
}

/** Copies the snapshots that `index.json` names into another folder, which gets the index as well. */
export async function copySnapshots(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  const index = await Deno.readTextFile(`${from}/index.json`);
  const { steps } = JSON.parse(index) as { steps: number[] };
  for (const name of steps.map(snapshotName)) {
    await Deno.mkdir(`${to}/${name}`, { recursive: true });
    for await (const file of Deno.readDir(`${from}/${name}`)) {
      await Deno.copyFile(`${from}/${name}/${file.name}`, `${to}/${name}/${file.name}`);
    }
  }
  await Deno.writeTextFile(`${to}/index.json`, index);
}

/** As `copySnapshots`, of an adapter's snapshots: each becomes the model with the adapter merged. */
export async function mergeSnapshots(from: string, to: string, model: Model): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  const index = await Deno.readTextFile(`${from}/index.json`);
  const { steps } = JSON.parse(index) as { steps: number[] };
  for (const name of steps.map(snapshotName)) {
    const adapter = await loadAdapter(`${from}/${name}`, model.config);
    await saveModel(mergeAdapter(model, adapter), `${to}/${name}`);
  }
  await Deno.writeTextFile(`${to}/index.json`, index);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
