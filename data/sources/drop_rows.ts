import type { PreferencePair } from "../pair.ts";

/** Which pairs to leave out of a data set. */
export interface DropRows {
  /** Pairs whose two replies are the same text. */
  readonly dropIdentical: boolean;
  /** Pairs with a reply of nothing but white space. */
  readonly dropEmpty: boolean;
  /** Told the id of each pair left out. */
  readonly onDrop: (id: string) => void;
}

/** The pairs that are worth training on, by the options given. */
export async function* dropRows(
  pairs: AsyncIterable<PreferencePair>,
  { dropIdentical, dropEmpty, onDrop }: DropRows,
): AsyncGenerator<PreferencePair> {
  for await (const pair of pairs) {
    const identical = dropIdentical && pair.chosen === pair.rejected;
    const empty = dropEmpty && (pair.chosen.trim() === "" || pair.rejected?.trim() === "");
    if (identical || empty) onDrop(pair.id);
    else yield pair;
  }
}
