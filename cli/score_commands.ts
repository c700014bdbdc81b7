import type { Command } from "./commander.ts";
import { fraction, jsonOption, share } from "./options.ts";

/** `ballast score …`: figures from judgments that are there already; nothing is asked or run. */
export function addScoreCommands(root: Command): void {
  const score = root.command("score")
    .description(
      "Score judgments that are there already: AlpacaEval's, MT-Bench's, a recipe's judge's.",
    )
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast score alpaca-eval annotations.json --difficulty instruction_difficulty.jsonl
  deno task ballast score mt-bench --pairwise gpt-4_pair.jsonl --a MODEL --b OTHER`,
    );
  addAlpacaEval(score as unknown as Command);
  addLeaderboard(score as unknown as Command);
  addMtBench(score as unknown as Command);
  addPairs(score as unknown as Command);
}

const MIN_COVERAGE = [
  "--min-coverage <share>",
  "refuse files of which a smaller share can be read, from 0 to 1: of the pairs or grades that are in " +
  "the file, or of all instructions that have a difficulty (default: none)",
  share,
] as const;

function addAlpacaEval(score: Command): void {
  score.command("alpaca-eval")
    .description("Win rate and length-controlled win rate of AlpacaEval 2.0 annotations.")
    .argument("<annotations...>", "annotations.json of a model (.gz too); several are compared")
    .requiredOption("--difficulty <file>", "rows {index, instruction, difficulty} as JSON lines")
    .option(
      "--gamed <file>",
      "CSV with the gamed baselines' rows that the fit rests on (default: none, as in " +
        "alpaca_eval's length_controlled_noreg)",
    )
    .option("--weights <file>", "CSV with published GLM weights to predict from, instead of a fit")
    .option("--leaderboard <file>", "put the figures into this leaderboard.csv; made if missing")
    .option(...MIN_COVERAGE)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast score alpaca-eval annotations.json --difficulty instruction_difficulty.jsonl \\
    --gamed gamed_baselines.csv
  deno task ballast score alpaca-eval rpo.json dpo.json --difficulty instruction_difficulty.jsonl \\
    --gamed gamed_baselines.csv --leaderboard leaderboard.csv
  deno task ballast score alpaca-eval annotations.json.gz --weights baseline_gpt4_1106_preview.csv \\
    --difficulty instruction_difficulty.jsonl --json`,
    )
    .action(async (files, options) => {
      const { scoreAnnotations } = await import("./commands/score_alpaca_eval.ts");
      await scoreAnnotations(files, options);
    });
}

function addLeaderboard(score: Command): void {
  score.command("alpaca-leaderboard")
    .description("Recompute a leaderboard's length-controlled win rates from published weights.")
    .argument("<leaderboard>", "leaderboard.csv")
    .requiredOption("--weights <file>", "CSV with published GLM weights")
    .requiredOption("--difficulty <file>", "rows {index, instruction, difficulty} as JSON lines")
    .option("--tolerance <points>", "percent points within which rates are equal", fraction, 1e-3)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Example:
  deno task ballast score alpaca-leaderboard leaderboard.csv --weights weights.csv \\
    --difficulty instruction_difficulty.jsonl`,
    )
    .action(async (file, options) => {
      const { scoreLeaderboard } = await import("./commands/score_alpaca_eval.ts");
      await scoreLeaderboard(file, options);
    });
}

function addMtBench(score: Command): void {
  score.command("mt-bench")
    .description(
      "Grades, or wins of one model over another, from FastChat's judgment files; a recipe's judge " +
        "leaves such files for its own prompts, too.",
    )
    .option("--pairwise <file>", "pairwise judgments as JSON lines, each in both orders")
    .option("--a <model>", "the model whose wins count, as the file names it")
    .option("--b <model>", "the model that it is compared with")
    .option("--single <file>", "grades as JSON lines")
    .option(
      "--questions <file>",
      "question.jsonl, to say the categories of questions that are not MT-Bench's own 80",
    )
    .option("--judge <model>", "the judge, where the file has several")
    .option("--agree-with <file>", "another judge's pairwise judgments, to hold these against")
    .option("--agree-with-judge <model>", "that judge, where the file has several")
    .option(...MIN_COVERAGE)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast score mt-bench --pairwise gpt-4_pair.jsonl --a rpo --b dpo
  deno task ballast score mt-bench --pairwise gpt-4_pair.jsonl --a rpo --b dpo \\
    --agree-with qwen_pair.jsonl --min-coverage 0.95
  deno task ballast score mt-bench --single gpt-4_single.jsonl --json`,
    )
    .action(async (options) => {
      const { scoreMtBench } = await import("./commands/score_mt_bench.ts");
      await scoreMtBench(options);
    });
}

function addPairs(score: Command): void {
  score.command("pairs")
    .description(
      "Wins of one system over another from what a recipe's judge left, its seeds together.",
    )
    .argument(
      "<folders...>",
      "folders of judgments (summary.json in them): in a store, objects/…/ of a stage judge",
    )
    .option("--agree-with <folder>", "another judge's judgments, to hold these against")
    .option(...MIN_COVERAGE)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
The folders of a store's judgments:
  deno task ballast status --sql "select distinct instance, 'objects/' || digest[1:2] || '/' || digest
    from results where type = 'judgments'"

Examples:
  deno task ballast score pairs FOLDER
  deno task ballast score pairs FOLDER --agree-with OTHER --min-coverage 0.95 --json`,
    )
    .action(async (folders, options) => {
      const { scorePairs } = await import("./commands/score_pairs.ts");
      await scorePairs(folders, options);
    });
}
