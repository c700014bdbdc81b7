import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { InputError } from "../../core/problem.ts";

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
   * @throws InputError when the template refuses the messages
   */
  render(
    messages: readonly ChatMessage[],
    options: { readonly addGenerationPrompt: boolean },
  ): string;
}

/**
 * Compiles a tokenizer's own Jinja template, or one of a recipe.
 *
 * Blocks are trimmed as `transformers` does. `strftime_now` is left undefined, so that the same
 * conversation renders to the same text on any day; templates that know it test for it.
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
  const program = attempt(
    path,
    "a Jinja template",
    () => parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })),
  );
  return {
    source,
    render: (messages, { addGenerationPrompt }) =>
      attempt(path, "the chat template to accept the messages", () => {
        const environment = new Environment();
        const variables = {
          ...GLOBALS,
          ...tokens,
          messages,
          add_generation_prompt: addGenerationPrompt,
        };
        for (const [name, value] of Object.entries(variables)) environment.set(name, value);
        return String(new Interpreter(environment).run(program).value);
      }),
  };
}

const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  range: (first: number, stop?: number, step = 1) => {
    const [start, end] = stop === undefined ? [0, first] : [first, stop];
    const count = Math.max(0, Math.ceil((end - start) / step));
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
