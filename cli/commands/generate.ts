import { InputError } from "../../core/problem.ts";
import type { Precision } from "../../train/precision.ts";
import stage from "../../stages/command_generate.ts";
import { runDirectly } from "../direct_job.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { userPath } from "../project.ts";
import { readRows } from "../rows.ts";
import { machineCapacity } from "../session.ts";
import { writeForOption } from "../write_for_option.ts";

/** Options of `ballast generate`. */
export interface GenerateOptions {
  readonly model: string;
  readonly adapter?: string;
  /** A file of rows; `-` is standard input. */
  readonly prompts?: string;
  /** Texts. */
  readonly prompt?: readonly string[];
  readonly system?: string;
  readonly tokenizer?: string;
  /** A file of Jinja. */
  readonly template?: string;
  readonly maxNewTokens: number;
  readonly maxPromptLength?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed: number;
  readonly samples: number;
  /** A file of rows to write. */
  readonly out?: string;
  readonly threads?: number;
  readonly device?: string;
  readonly precision?: Precision;
  readonly tf32?: boolean;
  readonly json: boolean;
}

interface Row {
  readonly prompt: string | readonly { readonly role: string; readonly content: string }[];
  readonly text: string;
  readonly tokens: number;
  readonly stop: "end" | "length";
}

/** Lets a model reply to prompts and prints the replies; returns the exit code. */
export async function generate(options: GenerateOptions): Promise<number> {
  const { json, out, prompts: _p, prompt: _t, ...rest } = options;
  noticeIgnored(options);
  const folder = await Deno.makeTempDir({ prefix: "ballast-generate-" });
  try {
    const made = `${folder}/prompts.jsonl`;
    const prompts = await promptsFile(options, made);
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    const code = await runDirectly({
      stage,
      params: {
        threads: machineCapacity().cores,
        ...Object.fromEntries(given),
        prompts,
      },
      workFolder: `${folder}/work`,
      shown: (text) =>
        text.replaceAll(made, options.prompt === undefined ? "standard input" : "--prompt"),
    });
    if (code !== 0) return code;
    const replies = `${folder}/work/replies/replies.jsonl`;
    const rows = await readRows<Row>(replies);
    if (out !== undefined) await writeOut(replies, out);
    if (json) printJson({ rows });
    else if (out === undefined) printResult(rows.map(shown).join("\n\n"));
    else printNotice(`${rows.length} replies in ${out}.`);
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Says what makes no difference to greedy replies. */
function noticeIgnored({ temperature, topP, topK, samples }: GenerateOptions): void {
  if (temperature !== undefined) return;
  const ignored = Object.entries({ "--top-p": topP, "--top-k": topK })
    .flatMap(([name, value]) => value === undefined ? [] : [name]);
  if (ignored.length > 0) {
    printNotice(`Replies are greedy without --temperature: ignored ${ignored.join(" and ")}.`);
  }
  if (samples > 1) printNotice("Replies are greedy without --temperature: samples are all equal.");
}

/** The file of rows that was named, or one made of texts: of `--prompt`, or standard input as a whole. */
async function promptsFile({ prompts, prompt }: GenerateOptions, made: string): Promise<string> {
  if (prompts !== undefined && prompt !== undefined) {
    const message = "Expected either --prompts or --prompt but found both.";
    throw new InputError([{ path: "--prompts", message }]);
  }
  if (prompts !== undefined && prompts !== "-") return prompts;
  await Deno.writeTextFile(
    made,
    prompt !== undefined ? asRows(prompt) : await standardInput(prompts === "-"),
  );
  return made;
}

/** The rows on standard input, or one row of the text there. */
async function standardInput(areRows: boolean): Promise<string> {
  const text = Deno.stdin.isTerminal() ? "" : await new Response(Deno.stdin.readable).text();
  if (text.trim() !== "") return areRows ? text : asRows([text.trimEnd()]);
  const message = "Expected --prompts, --prompt, or a text on standard input but found none.";
  throw new InputError([{ path: "--prompts", message }]);
}

function asRows(texts: readonly string[]): string {
  return texts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join("");
}

async function writeOut(from: string, out: string): Promise<void> {
  const path = userPath(out);
  await writeForOption({ option: "--out", path }, () => Deno.copyFile(from, path));
}

function shown({ prompt, text, tokens, stop }: Row): string {
  const asked = typeof prompt === "string"
    ? prompt
    : prompt.map(({ role, content }) => `${role}: ${content}`).join("\n");
  const end = stop === "end" ? "" : ", cut";
  return `> ${asked.replaceAll("\n", "\n> ")}\n\n${text}\n[${tokens} tokens${end}]`;
}
