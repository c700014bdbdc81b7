/**
 * Where objects and key records come from: a folder, a server, a bucket. Paths are those of a store
 * (`keys/91/91bc….json`, `objects/3f/3f2a…/artifact.json`). Nothing that it gives is trusted. One that is
 * silent for too long, in its stream too, is given up with a `SilenceError`.
 */
export interface ObjectSource {
  /** What it is called in messages; holds no secret. */
  readonly name: string;
  /**
   * A small file as text; null when there is none.
   * @throws ExpectedError for one of more bytes than `limit`
   */
  readText(path: string, limit: number): Promise<string | null>;
  /**
   * The bytes of a file, from one of them on; null when there is none. A source that cannot begin in the
   * middle begins at 0 and says so.
   */
  open(
    path: string,
    offset: number,
  ): Promise<{ readonly offset: number; readonly bytes: ReadableStream<Uint8Array> } | null>;
}

/** Where objects and key records can be put as well. */
export interface ObjectTarget extends ObjectSource {
  /** Puts a file whole: nobody finds a part of it under its name. */
  writeText(path: string, text: string): Promise<void>;
  /** The same of a file on this machine. */
  writeFile(path: string, file: string, size: number): Promise<void>;
}
