import assert from "node:assert/strict";

/** Runs a command; true when it succeeds. */
function succeeds(name: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(name, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** A file system in memory of its own, small enough to fill. */
export class SmallDisk implements Disposable {
  constructor(readonly path: string, size: string) {
    assert(succeeds("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path), "mounts");
  }

  remount(options: string): void {
    assert(this.tryRemount(options), options);
  }

  /** False where the system refuses, as it does to make a disk read-only that is written to. */
  tryRemount(options: string): boolean {
    return succeeds("mount", "-o", `remount,${options}`, this.path);
  }

  [Symbol.dispose](): void {
    assert(succeeds("umount", this.path), "unmounts");
  }
}

/** True where this process may mount file systems. */
export function canMount(): boolean {
  const path = Deno.makeTempDirSync({ prefix: "ballast-mount-" });
  try {
    return succeeds("mount", "-t", "tmpfs", "tmpfs", path) && succeeds("umount", path);
  } finally {
    Deno.removeSync(path);
  }
}

/** Writes until not a byte more can be written. */
export function fillDisk(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (let piece = 1 << 16; piece > 0;) {
    try {
      file.writeSync(new Uint8Array(piece));
    } catch {
      piece >>= 1;
    }
  }
}
