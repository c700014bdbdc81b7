import type { Sizes } from "./prediction.ts";

/** One way in which two artifacts differ. */
export interface Difference {
  /** Where: a file, a JSON path, a tensor's name. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/**
 * A kind of artifact. An artifact is always a folder; its type knows how to tell two apart by their
 * *logical* content, so that the page layout of a database or the order of a directory do not matter.
 */
export interface ArtifactType {
  /** Name used by stage ports: `pairs`, `tokens`, `model`. */
  readonly name: string;
  /** One line for `ballast explain` and the documentation. */
  readonly describe: string;
  /** Digest (hex SHA-256) of the logical content of a folder. */
  digest(folder: string): Promise<string>;
  /**
   * A few facts, such as `{ pairs: 2560 }`: for a person, and for foreseeing what the stages that read
   * it will take. They are recorded with the result.
   */
  facts(folder: string): Promise<Sizes>;
  /**
   * How two artifacts of this type differ; empty when equal.
   * @param tolerance relative tolerance for numbers; 0 compares exactly
   */
  compare(before: string, after: string, tolerance: number): Promise<Difference[]>;
}
