import { InputError, type Problem } from "../../core/problem.ts";
import { Random } from "../../core/random.ts";
import { askAll, type AskOptions } from "./ask_all.ts";
import { readCompletion } from "./completion.ts";
import { itemKey, itemLabel, type JudgedItem, slotValues } from "./judged_item.ts";
import { countJudgments, type Judged, type Judgment } from "./judgment.ts";
import type { Outcome } from "./kept_answers.ts";
import { type JudgeRequest, makeRequest, type Sampling } from "./request.ts";
import { fillTemplate, type JudgeTemplate } from "./template.ts";
import { holdsMark, partMarks, readVerdict, type VerdictRule } from "./verdict.ts";

/** How items are judged. */
export interface Protocol {
  /** The judge's name, as the endpoint knows it. */
  readonly model: string;
  /** Names of the systems whose answers the items hold, in their order. */
  readonly systems: readonly string[];
  readonly rule: VerdictRule;
  /** The template of an item. */
  readonly template: (item: JudgedItem) => JudgeTemplate;
  /**
   * Of pairs: `both` asks twice, `drawn` once, in an order drawn by seed and item; `given` as it is.
   * Single answers have one order.
   */
  readonly orders: "both" | "drawn" | "given";
  /** Of pairs whose answers are equal: `asked` about like others, or a `tie` that nobody is asked about. */
  readonly equalAnswers: "asked" | "tie";
  /** Each item is judged once under each; null sends none. Also draws the orders. */
  readonly seeds: readonly (number | null)[];
  readonly sampling: Sampling;
}

interface Planned {
  readonly item: JudgedItem;
  readonly template: JudgeTemplate;
  readonly seed: number | null;
  readonly swapped: boolean;
  /** Null where nobody is asked: a tie. */
  readonly request: JudgeRequest | null;
  /** Whether what is shown to the judge holds a verdict's mark. */
  readonly quotable: boolean;
}

/**
 * Judges items: asks what is not kept yet and reads every answer.
 *
 * @throws InputError for items that lack what their template shows, or that come twice
 * @throws ExpectedError as `askAll` does
 */
export async function judgeItems(
  items: readonly JudgedItem[],
  protocol: Protocol,
  asking: AskOptions,
): Promise<Judged> {
  const planned = planJudgments(items, protocol);
  const requests = planned.flatMap(({ request }) => request ?? []);
  const outcomes = await askAll(requests, asking);
  const outcomeOf = new Map(requests.map(({ digest }, i) => [digest, outcomes[i]]));
  const judgments = planned.map((one) =>
    one.request === null ? tied(one) : readJudgment(
      one,
      { request: one.request, outcome: outcomeOf.get(one.request.digest)! },
      protocol.rule,
    )
  );
  const used = new Map(planned.map(({ template }) => [template.name, template.digest]));
  return {
    kind: protocol.systems.length === 1 ? "single" : "pair",
    systems: protocol.systems,
    judge: protocol.model,
    rule: protocol.rule,
    templates: Object.fromEntries([...used].sort(([a], [b]) => a < b ? -1 : 1)),
    coverage: countJudgments(judgments),
    items,
    judgments,
  };
}

/**
 * The requests that `judgeItems` makes, kept answers or not.
 *
 * @throws InputError as it does
 */
export function judgeRequests(
  items: readonly JudgedItem[],
  protocol: Protocol,
): JudgeRequest[] {
  return planJudgments(items, protocol).flatMap(({ request }) => request ?? []);
}

function planJudgments(items: readonly JudgedItem[], protocol: Protocol): Planned[] {
  checkItems(items, protocol);
  return items.flatMap((item) =>
    protocol.seeds.flatMap((seed) =>
      ordersOf(item, seed, protocol).map((swapped) => {
        const template = protocol.template(item);
        const common = { item, template, seed, swapped };
        return protocol.equalAnswers === "tie" && hasEqualAnswers(item)
          ? { ...common, request: null, quotable: false }
          : { ...common, ...requestOf(common, protocol) };
      })
    )
  );
}

/** Whether the two answers to what is judged, earlier turns included, are the same text. */
function hasEqualAnswers({ turn, answers: [first, second] }: JudgedItem): boolean {
  return second !== undefined &&
    first.slice(0, turn).every((text, i) => text === second[i]);
}

function requestOf(
  { item, template, seed, swapped }: Omit<Planned, "request" | "quotable">,
  { model, rule, sampling, seeds }: Protocol,
): { request: JudgeRequest; quotable: boolean } {
  const values = slotValues(item, swapped);
  const quotable = rule.kind !== "logprobs" && Object.values(values).some(holdsMark);
  const shown = quotable
    ? Object.fromEntries(Object.entries(values).map(([slot, text]) => [slot, partMarks(text)]))
    : values;
  const messages = fillTemplate(template, shown);
  const label = [
    itemLabel(item),
    ...(swapped ? ["swapped"] : []),
    ...(seeds.length > 1 ? [`seed ${seed}`] : []),
  ].join(", ");
  const request = makeRequest({ model, messages, sampling, seed, swapped, label });
  return { request, quotable };
}

function ordersOf({ id, turn, answers }: JudgedItem, seed: number | null, { orders }: Protocol) {
  if (answers.length === 1 || orders === "given") return [false];
  if (orders === "both") return [false, true];
  return [Random.seeded(seed ?? 0, "order of answers", id, turn).uniform() < 0.5];
}

function checkItems(items: readonly JudgedItem[], { systems, template }: Protocol): void {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const path = itemLabel(item);
    const refuse = (message: string) => problems.push({ path, message });
    if (seen.has(itemKey(item))) refuse("Expected each item once but found it twice.");
    seen.add(itemKey(item));
    if (item.answers.length !== systems.length) {
      refuse(`Expected ${systems.length} answers but found ${item.answers.length}.`);
      continue;
    }
    const { name, slots } = template(item);
    const values: Partial<Record<string, string>> = slotValues(item, false);
    for (const slot of slots.filter((slot) => values[slot] === undefined)) {
      refuse(`Expected a text for {${slot}} of the template ${name} but found none.`);
    }
  }
  if (problems.length > 0) throw new InputError(problems);
}

/** What judgments hold of what was planned. */
function plannedFields({ item: { id, turn }, swapped, seed, template }: Planned) {
  return { id, turn, swapped, seed, template: template.name };
}

/** Of equal answers neither is better. */
function tied(planned: Planned): Judgment {
  return {
    ...plannedFields(planned),
    ...{ request: null, prompt: "", raw: null, state: "scored", value: 0.5, reason: null },
  };
}

function readJudgment(
  planned: Planned,
  { request: { digest, body }, outcome }: {
    readonly request: JudgeRequest;
    readonly outcome: Outcome;
  },
  rule: VerdictRule,
): Judgment {
  const { swapped, quotable } = planned;
  const common = {
    ...plannedFields(planned),
    request: digest,
    prompt: body.messages.findLast(({ role }) => role === "user")?.content ?? "",
  };
  if (outcome.state === "failed") {
    return { ...common, raw: null, state: "failed", value: null, reason: outcome.reason };
  }
  const { raw } = outcome;
  const completion = readCompletion(raw);
  if (completion === null) {
    const reason = "the kept answer is no chat completion";
    return { ...common, raw, state: "unparseable", value: null, reason };
  }
  const verdict = readVerdict(completion, rule, { quotable });
  if (verdict.state === "unparseable") return { ...common, raw, ...verdict, value: null };
  const value = swapped ? 1 - verdict.value : verdict.value;
  return { ...common, raw, state: "scored", value, reason: null };
}
