import { nearest, type Problem } from "../../core/problem.ts";

/** The names that a figure asks for and nothing carries, as problems, with the nearest that is there. */
export function unknownNames(
  path: string,
  asked: readonly string[],
  { kind, within, known }: {
    /** What is named: `metric`. */
    readonly kind: string;
    /** Where it was looked for: `in the results`. */
    readonly within: string;
    readonly known: readonly string[];
  },
): Problem[] {
  return asked.filter((name) => !known.includes(name)).map((name) => ({
    path,
    message: `No ${kind} is called "${name}" ${within}. Known: ${known.join(", ") || "none"}.`,
    nearest: nearest(name, known),
  }));
}
