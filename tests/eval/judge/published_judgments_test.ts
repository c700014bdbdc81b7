import assert from "node:assert/strict";
import { alpacaItems, mtBenchTemplates } from "../../../eval/judge/benchmark_items.ts";
import { readCompletion } from "../../../eval/judge/completion.ts";
import { judgeItems, judgeRequests, type Protocol } from "../../../eval/judge/judge_items.ts";
import type { JudgedItem } from "../../../eval/judge/judged_item.ts";
import {
  fillTemplate,
  type JudgeTemplate,
  readJudgeTemplates,
} from "../../../eval/judge/template.ts";
import { holdsMark, readVerdict } from "../../../eval/judge/verdict.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { asking, SAMPLING } from "./asking.ts";
import { FakeJudge } from "./fake_judge.ts";

// Published prompts and judgments are read where they are, and never kept here.
const data = new URL("../../../../shared/data/", import.meta.url).pathname;
const present = await Deno.stat(`${data}alpaca_eval/judge`).then(() => true, () => false);

async function gunzip(path: string): Promise<string> {
  const { body } = await fetch(new URL(`file://${path}`));
  return await new Response(body!.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** The answers that a published prompt shows; the answer files hold others, drawn at another time. */
function answersIn(prompt: string, { messages }: JudgeTemplate, turn: number): string[][] {
  const seen = new Set<string>();
  const pattern = messages.at(-1)!.content.split(/\{(\w+)\}/).map((text, i) => {
    if (i % 2 === 0) return RegExp.escape(text);
    if (seen.has(text)) return `\\k<${text}>`;
    seen.add(text);
    return `(?<${text}>[^]*)`;
  }).join("");
  const found = new RegExp(`^${pattern}$`).exec(prompt)!.groups!;
  return ["a", "b"].map((letter) =>
    turn === 1 ? [found[`answer_${letter}`]] : [1, 2].map((n) => found[`answer_${letter}_${n}`])
  );
}

const jsonLines = async (path: string) =>
  (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test({
  name: "log-probs give AlpacaEval's published preferences, row by row (needs ../shared)",
  ignore: !present,
  async fn() {
    let rows = 0;
    for (const model of ["alpaca-7b", "claude-2.1", "gemma-2b-it", "vicuna-7b-v1.5"]) {
      for (
        const { raw_completion, preference } of JSON.parse(
          await gunzip(`${data}alpaca_eval/annotations/${model}.json.gz`),
        )
      ) {
        if (raw_completion === null || preference === null) continue;
        const completion = readCompletion(JSON.stringify({ choices: [raw_completion] }))!;
        const rule = { kind: "logprobs", tokens: ["m", "M"] } as const;
        const verdict = readVerdict(completion, rule, { quotable: false });
        assert(verdict.state === "scored");
        // The harness swaps at random and does not keep where: one of the two it must be.
        const credit = preference - 1;
        const off = Math.min(
          Math.abs(verdict.value - credit),
          Math.abs(1 - verdict.value - credit),
        );
        assert(off < 1e-8, `${model}: ${credit}, not ${verdict.value}`);
        rows++;
      }
    }
    assert.equal(rows, 3212);
  },
});

Deno.test({
  name:
    "nobody is asked about just those rows that AlpacaEval's published annotations credit without a completion (needs ../shared)",
  ignore: !present,
  async fn() {
    const [clf] = (await readJudgeTemplates(`${data}alpaca_eval/judge/alpaca_eval_clf.txt`))
      .values();
    const protocol: Protocol = {
      model: "judge",
      systems: ["base", "ours"],
      rule: { kind: "logprobs", tokens: ["m", "M"] },
      template: () => clf,
      orders: "given",
      equalAnswers: "tie",
      seeds: [null],
      sampling: SAMPLING,
    };
    let unasked = 0;
    for (const model of ["alpaca-7b", "claude-2.1", "gemma-2b-it", "vicuna-7b-v1.5"]) {
      const path = `${data}alpaca_eval/annotations/${model}.json.gz`;
      const rows: Record<string, string & number>[] = JSON.parse(await gunzip(path));
      const outputs = (system: 1 | 2) =>
        rows.map((row) => ({
          instruction: row.instruction,
          output: row[`output_${system}`],
          generator: row[`generator_${system}`],
        }));
      const requests = judgeRequests(alpacaItems(outputs(2), outputs(1)), protocol);
      const without = rows.filter(({ raw_completion }) => raw_completion === null);
      assert(without.every(({ preference }) => preference === 1.5), model);
      assert.equal(requests.length, rows.length - without.length, model);
      unasked += without.length;
    }
    assert.equal(unasked, 8);
  },
});

Deno.test({
  name:
    "text gives the winners of the authors' MT-Bench judgments, in both orders (needs ../shared)",
  ignore: !present,
  async fn() {
    let judgments = 0;
    let underTheStrictRule = 0;
    for (const pair of ["dpo_rpo", "sft_rpo"]) {
      const path = `${data}rpo_paper/mt_bench/pair_judgment/gpt-4_pair_${pair}.jsonl`;
      for (const row of await jsonLines(path)) {
        for (const [game, first] of [["g1", "model_1"], ["g2", "model_2"]]) {
          const text = row[`${game}_judgment`];
          const completion = { text, finish: "stop", firstToken: null, usage: null };
          const quotable = holdsMark(row[`${game}_user_prompt`]);
          const verdict = readVerdict(completion, { kind: "choice" }, { quotable });
          assert(verdict.state === "scored");
          const strict = readVerdict(completion, { kind: "choice" }, { quotable: true });
          if (strict.state === "scored") {
            assert.equal(strict.value, verdict.value);
            underTheStrictRule++;
          }
          const second = first === "model_1" ? "model_2" : "model_1";
          const winner = verdict.value === 0.5 ? "tie" : verdict.value === 0 ? first : second;
          assert.equal(winner, row[`${game}_winner`]);
          judgments++;
        }
      }
    }
    assert.equal(judgments, 640);
    assert.equal(underTheStrictRule, 634, "what is judged holds marks: few verdicts are lost");
  },
});

Deno.test({
  name:
    "the published templates fill to the prompts that the authors' judge was sent (needs ../shared)",
  ignore: !present,
  async fn() {
    const prompts = `${data}mt_bench/judge_prompts.jsonl`;
    const templates = await readJudgeTemplates(prompts);
    assert.equal(templates.size, 8);
    const by = async (path: string) =>
      new Map((await jsonLines(data + path)).map((row) => [row.question_id, row]));
    const questions = await by("mt_bench/question.jsonl");
    const references = await by("mt_bench/reference_answer_gpt-4.jsonl");
    const path = `${data}rpo_paper/mt_bench/pair_judgment/gpt-4_pair_dpo_rpo.jsonl`;
    const rows = await jsonLines(path);
    const items: JudgedItem[] = rows.map(({ question_id: id, turn, judge, g1_user_prompt }) => ({
      id: String(id),
      turn,
      category: questions.get(id).category,
      questions: questions.get(id).turns,
      references: references.get(id)?.choices[0].turns ?? null,
      answers: answersIn(g1_user_prompt, templates.get(judge[1])!, turn),
    }));
    const chosen = mtBenchTemplates(templates, { kind: "pair", path: prompts });
    assert.deepEqual(items.map((item) => chosen(item).name), rows.map(({ judge }) => judge[1]));
    const protocol: Protocol = {
      model: "judge",
      systems: ["dpo", "rpo"],
      rule: { kind: "choice" },
      template: chosen,
      orders: "both",
      equalAnswers: "asked",
      seeds: [null],
      sampling: SAMPLING,
    };
    await using scratch = await ScratchFolder.make();
    await using fake = new FakeJudge(() => "[[C]]");
    const { judgments } = await judgeItems(items, protocol, asking(scratch.path, fake));
    let equal = 0;
    for (const { id, turn, swapped, prompt } of judgments) {
      const row = rows.find((row) => String(row.question_id) === id && row.turn === turn);
      if (prompt === row[swapped ? "g2_user_prompt" : "g1_user_prompt"]) equal++;
    }
    assert.equal(equal, 320);
    const alpaca = await readJudgeTemplates(`${data}alpaca_eval/judge/alpaca_eval_clf.txt`);
    const [clf] = alpaca.values();
    assert.deepEqual(clf.slots, ["instruction", "output_1", "output_2"]);
    const values = { instruction: "?", output_1: "1", output_2: "2" };
    assert.deepEqual(fillTemplate(clf, values).map(({ role }) => role), ["system", "user"]);
  },
});
