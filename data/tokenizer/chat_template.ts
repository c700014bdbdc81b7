import { Environment } from "@huggingface/jinja";
import { InputError } from "../../core/problem.ts";
import { parseJinja } from "./jinja_program.ts";
import { MOST_STEPS } from "./jinja_steps.ts";
import { PythonInterpreter } from "./python_interpreter.ts";

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a template knows beside the messages. */
export interface ChatTemplateOptions {
  /** Where the template came from, for error messages: `chat_template.jinja`. */
  readonly path: string;
  /** Names and texts of special tokens, such as `{ eos_token: "</s>" }`. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** A chat template, ready to render conversations. */
export interface ChatTemplate {
  /** The Jinja text. */
  readonly source: string;
  /**
   * The conversation as text.
   *
   * @param addGenerationPrompt ends with what precedes the next reply
   * @throws InputError when the template refuses the messages, or takes more steps or makes a longer text
   *   than any template needs
   */
  render(
    messages: readonly ChatMessage[],
    options: { readonly addGenerationPrompt: boolean },
  ): string;
}

/**
 * Compiles a tokenizer's own Jinja template, or one of a recipe.
 *
 * It renders what `transformers` renders (tests/fixtures/chat_templates), but for the date:
 * `strftime_now` is left undefined, so that the same conversation renders to the same text on any
 * day. Templates that know it test for it, and have a date of their own in its place.
 *
 * @throws InputError when the text is no Jinja
 *
 * @example
 * ```ts
 * import { compileChatTemplate } from "./chat_template.ts";
 * const source = "{% for m in messages %}{{ m['content'] + eos_token }}{% endfor %}";
 * const template = compileChatTemplate(source, { path: "inline", tokens: { eos_token: "</s>" } });
 * const text = template.render([{ role: "user", content: "hi" }], { addGenerationPrompt: false });
 * if (text !== "hi</s>") throw new Error();
 * ```
 */
export function compileChatTemplate(source: string, options: ChatTemplateOptions): ChatTemplate {
  const { path, tokens } = options;
  const program = attempt(path, "a Jinja template", () => parseWhole(source));
  const known = new Environment();
  declare(known, { ...GLOBALS, ...tokens });
  return {
    source,
    render: (messages, { addGenerationPrompt }) =>
      attempt(path, "the chat template to accept the messages", () => {
        const environment = new Environment(known);
        declare(environment, { messages, add_generation_prompt: addGenerationPrompt });
        return String(new PythonInterpreter(environment).run(program).value);
      }),
  };
}

/** The parser of a template that ends too early stumbles over a token that is not there. */
function parseWhole(source: string): ReturnType<typeof parseJinja> {
  try {
    return parseJinja(source);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error("a text that ends within an expression or a statement", { cause: error });
  }
}

function declare(environment: Environment, variables: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
}

const GLOBALS = {
  // Always given by `transformers`, and tested by templates with `is not none`.
  tools: null,
  documents: null,
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  // Values that hold others would be written out, however many they are.
  raise_exception: (message: unknown) => {
    throw new Error(typeof message === "object" ? "a message that is no text" : String(message));
  },
  range: (first: unknown, stop?: unknown, step: unknown = 1) => {
    const [start, end] = stop === undefined ? [0, first] : [first, stop];
    if (typeof start !== "number" || typeof end !== "number" || typeof step !== "number") {
      throw new TypeError("a range of what is no number");
    }
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (!(count <= MOST_STEPS)) throw new RangeError(`a range of ${count} numbers`);
    return Array.from({ length: count }, (_, i) => start + i * step);
  },
};

function attempt<T>(path: string, expected: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof InputError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError([{ path, message: `Expected ${expected} but found: ${reason}` }]);
  }
}
