/** A folder that is gone when it goes out of scope. */
export class ScratchFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<ScratchFolder> {
    const path = await Deno.makeTempDir({ prefix: "ballast-test-" });
    return new ScratchFolder(await Deno.realPath(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
