import { isRecord } from "../../core/json.ts";
import { InputError, refuseProblems } from "../../core/problem.ts";
import { readText } from "../../data/sources/read_text.ts";

/** A system's mean grade in each category, as its evaluators state it. */
export interface CategoryMeans {
  readonly system: string;
  readonly means: Readonly<Record<string, number>>;
}

/**
 * Reads `{system: {category: mean}}`, grades from 0 to 10.
 *
 * @throws InputError with every value that is no grade, or that the file cannot be read
 */
export async function readCategoryMeans(path: string): Promise<CategoryMeans[]> {
  const refuse = (found: string): never => {
    const message = `Expected a record {system: {category: mean}} but found ${found}.`;
    throw new InputError([{ path, message }]);
  };
  let value: unknown;
  try {
    value = JSON.parse(await readText(path, "category means"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    return refuse(`other text (${(error as Error).message})`);
  }
  if (!isRecord(value)) return refuse("another value");
  const systems = Object.entries(value);
  if (systems.length === 0) return refuse("no system");
  refuseProblems(systems.flatMap(([system, means]) => {
    if (!isRecord(means) || Object.keys(means).length === 0) {
      return [{
        path: `${path}: ${system}`,
        message: "Expected means by category but found none.",
      }];
    }
    return Object.entries(means).filter(([, mean]) => !isGrade(mean)).map(([category, mean]) => ({
      path: `${path}: ${system}: ${category}`,
      message: `Expected a grade from 0 to 10 but found ${JSON.stringify(mean)}.`,
    }));
  }));
  return systems.map(([system, means]) => ({ system, means: means as Record<string, number> }));
}

function isGrade(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 10;
}
