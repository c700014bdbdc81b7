/**
 * The entry of a recipe that an instance's id begins with.
 *
 * @example
 * ```ts
 * import { entryOf } from "./instance_id.ts";
 * if (entryOf("train/dpo@seed=1") !== "train") throw new Error();
 * ```
 */
export function entryOf(id: string): string {
  return id.split(/[/@]/)[0];
}
