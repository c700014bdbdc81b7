import { digestJson } from "../../core/digest.ts";
import { InputError, nearest, type Problem } from "../../core/problem.ts";

/** A message that a judge is sent. */
export interface JudgeMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a judge is asked, with places for what is judged: `{question}`, `{answer_a}`. */
export interface JudgeTemplate {
  /** As the file has it, or the file's name. */
  readonly name: string;
  /** SHA-256 of the messages, whatever file they came from. */
  readonly digest: string;
  readonly messages: readonly JudgeMessage[];
  /** The places that are filled in, in the order of their first use. */
  readonly slots: readonly string[];
}

/** Every place that a template may have. */
export const SLOTS = [
  ...["instruction", "output_1", "output_2"],
  ...["question", "answer", "answer_a", "answer_b"],
  ...["question_1", "question_2", "ref_answer_1", "ref_answer_2"],
  ...["answer_1", "answer_2", "answer_a_1", "answer_a_2", "answer_b_1", "answer_b_2"],
] as const;

/** A place that a template may have. */
export type Slot = typeof SLOTS[number];

const PLACE = /\{([a-z][a-z0-9_]*)\}/g;

/**
 * Reads the templates of a file: FastChat's `judge_prompts.jsonl`, a row for each, or one in ChatML, as
 * AlpacaEval keeps them.
 *
 * @returns by name
 * @throws InputError for a file of neither kind, a row without its fields, a place that nothing fills
 */
export async function readJudgeTemplates(path: string): Promise<Map<string, JudgeTemplate>> {
  const text = await Deno.readTextFile(path);
  const problems: Problem[] = [];
  const refuse = (where: string, message: string, near?: string) =>
    problems.push({ path: where, message, nearest: near });
  const found = path.endsWith(".jsonl")
    ? fastChatRows(text, (line, message) => refuse(`${path}:${line}`, message))
    : chatMl(text, path, (message) => refuse(path, message));
  for (const { name, slots } of found) {
    for (const slot of slots.filter((slot) => !(SLOTS as readonly string[]).includes(slot))) {
      refuse(
        `${path}: ${name}`,
        `Expected places such as {question} but found {${slot}}, which nothing fills.`,
        nearest(slot, SLOTS),
      );
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return new Map(found.map((template) => [template.name, template]));
}

/**
 * Fills a template's places. What is filled in is not looked at again: neither places nor the marks of
 * messages that stand in an answer mean anything.
 *
 * @throws RangeError for a place without a value
 */
export function fillTemplate(
  template: JudgeTemplate,
  values: Readonly<Partial<Record<string, string>>>,
): JudgeMessage[] {
  return template.messages.map(({ role, content }) => ({
    role,
    content: content.replaceAll(PLACE, (_, slot) => {
      const value = values[slot];
      if (value !== undefined) return value;
      throw new RangeError(`Expected a value for {${slot}} of ${template.name} but found none.`);
    }),
  }));
}

/**
 * The template of a name, or the only one.
 *
 * @throws InputError for a name that is not there, or none where there are several
 */
export function chooseTemplate(
  templates: ReadonlyMap<string, JudgeTemplate>,
  { path, name }: { readonly path: string; readonly name?: string },
): JudgeTemplate {
  const names = [...templates.keys()];
  const found = templates.get(name ?? names[0]);
  if (found !== undefined && (name !== undefined || names.length === 1)) return found;
  throw new InputError([{
    path,
    message: `Expected ${
      name === undefined ? "the name of a template" : `the template ${name}`
    } but found ${name === undefined ? "none; there are" : "only"} ${names.join(", ")}.`,
    nearest: name === undefined ? undefined : nearest(name, names),
  }]);
}

function makeTemplate(name: string, messages: readonly JudgeMessage[]): JudgeTemplate {
  const places = messages.flatMap(({ content }) => [...content.matchAll(PLACE)].map((m) => m[1]));
  return { name, digest: digestJson(messages), messages, slots: [...new Set(places)] };
}

function fastChatRows(
  text: string,
  refuse: (line: number, message: string) => void,
): JudgeTemplate[] {
  const templates = new Map<string, JudgeTemplate>();
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const row = parseObject(line);
    const { name, system_prompt: system, prompt_template: user } = row ?? {};
    if (typeof name !== "string" || typeof system !== "string" || typeof user !== "string") {
      return refuse(
        i + 1,
        "Expected an object with the texts name, system_prompt and prompt_template but found other fields.",
      );
    }
    if (templates.has(name)) {
      return refuse(i + 1, `Expected each name once but found ${name} twice.`);
    }
    templates.set(
      name,
      makeTemplate(name, [
        ...(system === "" ? [] : [{ role: "system", content: system } as const]),
        { role: "user", content: user },
      ]),
    );
  });
  if (templates.size === 0) refuse(1, "Expected a template but found none.");
  return [...templates.values()];
}

const START = "<|im_start|>";
const END = "<|im_end|>";

function chatMl(
  text: string,
  path: string,
  refuse: (message: string) => void,
): JudgeTemplate[] {
  const messages: JudgeMessage[] = [];
  const [before, ...parts] = text.split(START);
  for (const part of parts) {
    const [, role, content, after] = /^(system|user|assistant)\s*?\n([^]*?)<\|im_end\|>([^]*)$/
      .exec(part) ?? [];
    if (role === undefined || after.trim() !== "") break;
    messages.push({ role: role as JudgeMessage["role"], content: content.trim() });
  }
  if (before.trim() !== "" || messages.length === 0 || messages.length < parts.length) {
    refuse(
      `Expected messages from ${START} and a role to ${END}, or a .jsonl of judge prompts, but found other text.`,
    );
    return [];
  }
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
  return [makeTemplate(name, messages)];
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
