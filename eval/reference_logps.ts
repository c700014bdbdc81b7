/** A reference's summed log-probs (nats) of a pair; a row of `logps.jsonl`. */
export interface ReferenceLogps {
  readonly id: string;
  readonly chosenLogp: number;
  /** null for demonstrations. */
  readonly rejectedLogp: number | null;
}

/** The rows of a folder's `logps.jsonl`, in the order of the pairs that they belong to. */
export async function readReferenceLogps(folder: string): Promise<ReferenceLogps[]> {
  const text = await Deno.readTextFile(`${folder}/logps.jsonl`);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
