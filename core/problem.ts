/** Something wrong in what a person gave: where, what was found, what was expected. */
export interface Problem {
  /** Where: `recipes/tiny.yaml: stages.train.params.beta`, `pairs.jsonl:17`. */
  readonly path: string;
  /** One sentence: what was expected and what was found. */
  readonly message: string;
  /** The nearest valid choice, when there is one. */
  readonly nearest?: string;
}

/** Bad input or bad usage: carries every problem found, so that all can be mended at once. */
export class InputError extends Error {
  override readonly name = "InputError";

  constructor(readonly problems: readonly Problem[], readonly title = "") {
    super(formatProblems(problems, title));
  }
}

/** Work that could not be done for a reason that a person can act on; no stack trace is shown. */
export class ExpectedError extends Error {
  override readonly name = "ExpectedError";
}

/** Problems that one message names. */
const MOST_PROBLEMS = 20;

/** Problems of any number of rows: the first 20 are kept, the rest counted. */
export class ProblemTally {
  readonly #kept: Problem[] = [];
  #more = 0;

  /** Keeps or counts problems. */
  add(problems: readonly Problem[]): void {
    const room = MOST_PROBLEMS - this.#kept.length;
    this.#kept.push(...problems.slice(0, room));
    this.#more += Math.max(0, problems.length - room);
  }

  /** Throws what was kept as one error, with how many more there are; nothing where there is none. */
  refuse(): void {
    if (this.#kept.length === 0) return;
    if (this.#more === 0) throw new InputError(this.#kept);
    throw new InputError([...this.#kept, { path: "…", message: `${this.#more} more problems.` }]);
  }
}

/** Throws up to 20 problems as one error, with how many more there are; nothing where there is none. */
export function refuseProblems(problems: readonly Problem[]): void {
  const tally = new ProblemTally();
  tally.add(problems);
  tally.refuse();
}

/** The problems that an InputError carries; another error is thrown again. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof InputError) return error.problems;
  throw error;
}

/**
 * Runs tasks one after another, whatever is wrong with some, so that all is told at once.
 *
 * @returns what each gave, in order
 * @throws InputError with the problems of all the InputErrors that tasks threw; another error as it is
 */
export async function collectProblems<T>(
  tasks: readonly (() => T | Promise<T>)[],
): Promise<T[]> {
  const problems: Problem[] = [];
  const values: T[] = [];
  for (const task of tasks) {
    try {
      values.push(await task());
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return values;
}

/** All problems as text, one a line, each with its path and nearest valid choice. */
export function formatProblems(problems: readonly Problem[], title = ""): string {
  const lines = problems.map(({ path, message, nearest }) =>
    `${path}: ${message}${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`
  );
  if (title === "" && lines.length === 1) return lines[0];
  const heading = title === "" ? `${lines.length} problems` : title;
  return [`${heading}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/**
 * The candidate closest to a misspelt word by edit distance (adjacent swaps count one), or
 * `undefined` when none is near (more than a third of the word, at least two edits, away).
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(substitution, previous[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length];
}
