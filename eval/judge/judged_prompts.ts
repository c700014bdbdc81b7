import type { PromptRecord } from "../../core/prompt_record.ts";
import { itemKey, type JudgedItem } from "./judged_item.ts";
import type { Judged } from "./judgment.ts";

/** What was judged, prompt by prompt, for people to read: an item a record, in the items' order. */
export function judgedPrompts({ items, judgments, systems, judge, rule }: Judged): PromptRecord[] {
  const byItem = Map.groupBy(judgments, itemKey);
  return items.map((item) => {
    const said = (byItem.get(itemKey(item)) ?? []).map(({ swapped, value }) => ({
      judge,
      systems,
      swapped: rule.kind === "gold" ? null : swapped,
      value,
    }));
    return {
      prompt: turnsText(item.questions, item),
      ...(item.category !== null && { category: item.category }),
      replies: systems.map((system, i) => ({
        system,
        text: turnsText(item.answers[i], item),
        score: null,
      })),
      ...(said.length > 0 && { verdicts: said }),
    };
  });
}

/** The texts up to the judged turn; of several, each after its turn's number. */
function turnsText(texts: readonly string[], { turn }: JudgedItem): string {
  if (turn === 1) return texts[0];
  return texts.slice(0, turn).map((text, i) => `Turn ${i + 1}: ${text}`).join("\n\n");
}
