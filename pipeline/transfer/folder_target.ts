import { dirname, join, resolve } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import {
  isMissing,
  makeFolder,
  naming,
  readTextIfThere,
  syncPath,
  writeAtomically,
} from "../../core/write_atomically.ts";
import type { ObjectTarget } from "./object_source.ts";

/** Objects and key records in a folder, laid out as a store's. */
export class FolderTarget implements ObjectTarget {
  readonly name: string;

  constructor(folder: string) {
    this.name = resolve(folder);
  }

  readText(path: string, limit: number): Promise<string | null> {
    const file = join(this.name, path);
    return Promise.resolve().then(() => {
      const size = sizeOf(file);
      if (size !== null && size > limit) {
        throw new ExpectedError(`${file} has ${size} bytes, more than the ${limit} that are read.`);
      }
      return readTextIfThere(file);
    });
  }

  async open(path: string, offset: number) {
    try {
      const file = await Deno.open(join(this.name, path), { read: true });
      await file.seek(offset, Deno.SeekMode.Start);
      return { offset, bytes: file.readable };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async writeText(path: string, text: string): Promise<void> {
    await writeAtomically(join(this.name, path), text);
  }

  async writeFile(path: string, file: string): Promise<void> {
    const target = join(this.name, path);
    await naming(target, async () => {
      await makeFolder(dirname(target));
      const temporary = await Deno.makeTempFile({ dir: dirname(target), prefix: ".part-" });
      try {
        await Deno.copyFile(file, temporary);
        await Deno.chmod(temporary, 0o644);
        await syncPath(temporary);
        await Deno.rename(temporary, target);
        await syncPath(dirname(target));
      } catch (error) {
        await Deno.remove(temporary).catch(() => {});
        throw error;
      }
    });
  }
}

function sizeOf(path: string): number | null {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
