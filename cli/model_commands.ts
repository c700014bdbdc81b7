import { type Command, Option } from "./commander.ts";
import { SCHEDULES } from "../train/optim/schedule.ts";
import { parseLoss } from "./loss_option.ts";
import {
  byteSize,
  count,
  deviceOption,
  fraction,
  fusedAttentionOption,
  jsonOption,
  list,
  portNumber,
  precisionOption,
  recipeOption,
  setOption,
  several,
  storeOption,
  tf32Option,
} from "./options.ts";

const TOKENIZER = [
  "--tokenizer <path>",
  "a folder or GGUF file with the tokenizer (default: the model's)",
] as const;
const TEMPLATE = [
  "--template <file>",
  "a chat template in Jinja instead of the tokenizer's own",
] as const;

/** The commands for models of one's own: logps, train, generate, serve-model, export. */
export function addModelCommands(root: Command): void {
  root.command("logps")
    .description("Summed log-probabilities of the replies of preference pairs under a model.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file")
    .option("--adapter <folder>", "a LoRA adapter to the model, in PEFT's format")
    .requiredOption("--pairs <file>", "rows {prompt, chosen, rejected}: JSON lines or Parquet")
    .requiredOption("--max-length <n>", "tokens of prompt and reply together", count)
    .requiredOption("--max-prompt-length <n>", "tokens a prompt keeps when that is exceeded", count)
    .option(...TOKENIZER)
    .option(...TEMPLATE)
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(deviceOption()).addOption(precisionOption()).addOption(tf32Option())
    .addOption(fusedAttentionOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { logps } = await import("./commands/logps.ts");
      Deno.exitCode = await logps(options);
    });
  addTrainCommand(root);
  addGenerateCommand(root);
  addServeModelCommand(root);
  addExportCommand(root);
}

function addGenerateCommand(root: Command): void {
  root.command("generate")
    .description("Let a model reply to prompts, greedily unless a temperature is given.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file")
    .option("--adapter <folder>", "a LoRA adapter to the model, in PEFT's format")
    .option(
      "--prompts <file>",
      "rows {prompt} as JSON lines, texts or messages; - for standard input",
    )
    .option("--prompt <text>", "a prompt; may be given again (default: standard input)", several)
    .option("--system <text>", "a system message before every prompt")
    .option(...TOKENIZER)
    .option(...TEMPLATE)
    .option("--max-new-tokens <n>", "most tokens of a reply", count, 256)
    .option(
      "--max-prompt-length <n>",
      "last tokens that a longer prompt keeps (default: what the model has positions for)",
      count,
    )
    .option("--temperature <number>", "draw tokens at this temperature", fraction)
    .option("--top-p <number>", "draw from the tokens that hold this probability", fraction)
    .option("--top-k <n>", "draw from so many of the likeliest tokens", count)
    .option("--seed <n>", "seed of the drawn tokens", fraction, 0)
    .option("--samples <n>", "replies to each prompt", count, 1)
    .option("--out <file>", "write the replies there as JSON lines")
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(deviceOption()).addOption(precisionOption()).addOption(tf32Option())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast generate --model M.gguf --prompt "What is ballast?"
  deno task ballast generate --model M --prompts prompts.jsonl --out replies.jsonl \\
    --temperature 0.7 --top-p 0.95 --samples 4
  echo "Say hello." | deno task ballast generate --model M --system "You are terse." --json`,
    )
    .action(async (options) => {
      const { generate } = await import("./commands/generate.ts");
      Deno.exitCode = await generate(options);
    });
}

function addServeModelCommand(root: Command): void {
  root.command("serve-model")
    .description("Answer requests in OpenAI's form by a model, until Ctrl-C.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file")
    .option("--adapter <folder>", "a LoRA adapter to the model, in PEFT's format")
    .option(...TOKENIZER)
    .option(...TEMPLATE)
    .option(
      "--host <address>",
      "where to listen; others than this machine's own are open to all",
      "127.0.0.1",
    )
    .option("--port <n>", "the port; 0 for any that is free", portNumber, 8000)
    .option("--model-name <name>", "what clients call it (default: the path's last part)")
    .option(
      "--max-tokens <n>",
      "refuse requests for longer answers (default: what the model has positions for)",
      count,
    )
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(
      new Option("--json", "print the address as one line of JSON, when it is ready")
        .default(false),
    )
    .addHelpText(
      "after",
      `
Example:
  deno task ballast serve-model --model M.gguf --model-name M
  curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' \\
    -d '{"model": "M", "prompt": "Ballast is", "max_tokens": 16}'`,
    )
    .action(async (options) => {
      const { serveModel } = await import("./commands/serve_model.ts");
      Deno.exitCode = await serveModel(options);
    });
}

function addExportCommand(root: Command): void {
  root.command("export")
    .description("Write a model or an adapter as a Hugging Face folder, with model and data cards.")
    .argument("[instance]", "an instance whose model is in the store: train/rpo-sum@seed=0")
    .requiredOption("--out <folder>", "where it goes; new or empty")
    .option("--model <path>", "a Hugging Face folder or a GGUF file, instead of an instance")
    .option("--adapter <folder>", "write this LoRA adapter to the model, in PEFT's format")
    .option("--adapter-only", "write the adapter that the instance trained by itself", false)
    .option("--merge", "write the model with the adapter merged into it", false)
    .option(...TOKENIZER)
    .option("--base-model <name>", "what the base is called on the hub: OWNER/NAME")
    .addOption(
      new Option("--dtype <type>", "the type that weights are stored in")
        .choices(["float32", "bfloat16", "float16"] as const).default("float32" as const),
    )
    .option("--max-shard-size <size>", "most bytes of weights in one file (5GB)", byteSize, 5e9)
    .addOption(recipeOption()).addOption(setOption()).addOption(storeOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast export train/rpo-sum@seed=0 --out exported
  deno task ballast export train/dpo@seed=0 --recipe R --adapter-only --out adapter
  deno task ballast export --model model.gguf --out exported --dtype bfloat16
  deno task ballast export --model M --adapter trained --base-model OWNER/NAME --out exported`,
    )
    .action(async (instance, options) => {
      const { exportModel } = await import("./commands/export.ts");
      Deno.exitCode = await exportModel(instance, options);
    });
}

function addTrainCommand(root: Command): void {
  root.command("train")
    .description("Train a model on preference pairs.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file to start from")
    .requiredOption("--pairs <file>", "rows {prompt, chosen, rejected}: JSON lines or Parquet")
    .requiredOption(
      "--out <folder>",
      "where the trained model goes, and steps.jsonl; new or empty",
    )
    .addOption(
      new Option("--loss <loss>", "dpo, rpo, ipo, hinge, sft, or a file with a loss of one's own")
        .argParser(parseLoss).makeOptionMandatory(),
    )
    .option("--coefficients <record>", "those of a file's loss: {beta: 2}")
    .option("--beta <number>", "temperature of the preference loss", fraction)
    .option(
      "--eta <number>",
      "weight of the SFT loss: η for sum, the coefficient for means",
      fraction,
    )
    .addOption(
      new Option("--sft <normalisation>", "how the SFT loss is normalised")
        .choices(["sum", "sequence_mean", "token_mean"] as const),
    )
    .requiredOption("--lr <number>", "peak learning rate", fraction)
    .requiredOption("--steps <n>", "optimiser steps", count)
    .requiredOption("--batch-pairs <n>", "pairs a step", count)
    .option("--micro-batch-pairs <n>", "most pairs held in memory at once", count)
    .option(
      "--vocabulary-chunk <n>",
      "most vocabulary entries whose logits are there at once",
      count,
    )
    .option("--attention-block <n>", "most queries whose attention is computed at once", count)
    .addOption(
      new Option("--moments <dtype>", "what AdamW's moments are kept in (default: float32)")
        .choices(["float32", "bfloat16"] as const),
    )
    .option("--offload-moments", "keep AdamW's moments in host memory where --device is a GPU")
    .option("--gradient-checkpointing", "less memory: compute layers twice", false)
    .option("--lora-rank <n>", "train a new LoRA adapter of this rank; --out is PEFT's", count)
    .option("--lora-alpha <number>", "its alpha (default: twice the rank)", fraction)
    .option("--lora-targets <list>", "q_proj,v_proj,… (default: all seven matrices)", list)
    .option("--adapter <folder>", "train on from this LoRA adapter, in PEFT's format")
    .addOption(
      new Option("--schedule <schedule>", "learning rate over the steps")
        .choices(SCHEDULES).default("constant" as const),
    )
    .option("--warmup-steps <n>", "steps of linear warm-up", fraction, 0)
    .option("--max-grad-norm <number>", "clip the global gradient norm", fraction, 1)
    .option(
      "--gradient-share-steps <n>",
      "measure each loss part's gradient every so many steps (default: never)",
      count,
    )
    .option("--weight-decay <number>", "decoupled weight decay", fraction, 0)
    .requiredOption("--max-length <n>", "tokens of prompt and reply together", count)
    .requiredOption("--max-prompt-length <n>", "tokens a prompt keeps when that is exceeded", count)
    .option(...TOKENIZER)
    .option(...TEMPLATE)
    .option(
      "--reference <path>",
      "the reference model (default: --model, with --adapter, before training)",
    )
    .option("--resume", "continue from the checkpoint of an interrupted call", false)
    .option("--seed <n>", "seed of the data order, and of a new adapter", fraction, 0)
    .addOption(
      new Option("--order <order>", "order of the pairs").choices(
        ["sequential", "shuffled"] as const,
      )
        .default("shuffled" as const),
    )
    .option("--log <file>", "append all of each step there as it is done, as a line of JSON")
    .option("--threads <n>", "threads of each process (default: all cores, divided)", count)
    .option("--processes <n>", "train in so many processes, started by MPICH's mpiexec", count)
    .addOption(deviceOption()).addOption(precisionOption()).addOption(tf32Option())
    .addOption(fusedAttentionOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Example:
  deno task ballast train --model M --pairs pairs.jsonl --out trained --loss rpo --sft sum \\
    --beta 0.1 --eta 0.005 --lr 5e-7 --steps 100 --batch-pairs 8 --max-length 512 --max-prompt-length 256`,
    )
    .action(async (options) => {
      const { train } = await import("./commands/train.ts");
      Deno.exitCode = await train(options);
    });
}
