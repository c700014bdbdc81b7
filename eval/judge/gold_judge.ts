import { InputError, type Problem } from "../../core/problem.ts";
import { goldReward } from "../../data/world/gold.ts";
import { parseTask } from "../../data/world/task.ts";
import { promptText, type ReplyRow } from "../reply_rows.ts";
import { winRate } from "../stats/win_rate.ts";
import { countJudgments, type Judged, type Judgment } from "./judgment.ts";
import { pairedItems } from "./reply_items.ts";

/** Names the judge, and stands where other judges have a template. */
const GOLD = "gold";

/**
 * Judges replies of the synthetic world beside others by their gold rewards: the higher one wins, equal
 * ones draw. Nobody is asked. The order of two replies means nothing to a reward of each alone, so that
 * there is one judgment a pair.
 *
 * @param systems names of the baseline and of the judged system
 * @throws InputError for replies without their counterpart, or to what is no prompt of the world
 */
export function judgeByGold(
  { replies, baseline, systems }: {
    readonly replies: readonly ReplyRow[];
    readonly baseline: readonly ReplyRow[];
    readonly systems: readonly [string, string];
  },
): Judged {
  const items = pairedItems(replies, baseline);
  const theirs = new Map(baseline.map((row) => [row.id, row]));
  const ours = goldRewards(replies);
  const { credits } = winRate(ours, goldRewards(replies.map(({ id }) => theirs.get(id)!)));
  const judgments = items.map(({ id, turn }, i): Judgment => ({
    ...{ id, turn, swapped: false, seed: null, template: GOLD },
    ...{ request: null, prompt: "", raw: null, reason: null },
    state: "scored",
    value: credits[i] / 100,
  }));
  return {
    kind: "pair",
    systems,
    judge: GOLD,
    rule: { kind: "gold" },
    templates: {},
    coverage: countJudgments(judgments),
    items: items.map((item) => ({ ...item, category: parseTask(item.questions[0]).name })),
    judgments,
  };
}

function goldRewards(rows: readonly ReplyRow[]): number[] {
  const problems: Problem[] = [];
  const rewards = rows.map(({ id, prompt, text, stop }) => {
    try {
      return goldReward(promptText(prompt), { text, ended: stop === "end" });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ path: id, message: error.message });
      return 0;
    }
  });
  if (problems.length > 0) throw new InputError(problems);
  return rewards;
}
