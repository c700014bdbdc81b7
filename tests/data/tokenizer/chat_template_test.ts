import assert from "node:assert/strict";
import { type ChatMessage, compileChatTemplate } from "../../../data/tokenizer/chat_template.ts";

const compile = (source: string) =>
  compileChatTemplate(source, { path: "chat_template.jinja", tokens: { eos_token: "</s>" } });
const user = [{ role: "user", content: "hi" }] as const;

Deno.test("compileChatTemplate() trims blocks and knows the special tokens", () => {
  const template = compile(
    "{% for m in messages %}\n  {% if m.role == 'user' %}\n{{ m.content }}{{ eos_token }}\n" +
      "  {% endif %}\n{% endfor %}\n{% if add_generation_prompt %}\n>{% endif %}",
  );
  // The line break after an expression stays; those after blocks, and the blanks before, go.
  assert.equal(template.render(user, { addGenerationPrompt: true }), "hi</s>\n>");
  assert.equal(template.render(user, { addGenerationPrompt: false }), "hi</s>\n");
});

Deno.test("compileChatTemplate() knows range() and Python's names of constants", () => {
  const template = compile(
    "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}" +
      "{% if None is none and True %}!{% endif %}",
  );
  assert.equal(template.render(user, { addGenerationPrompt: false }), "012135!");
});

const fixtures = new URL("../../fixtures/chat_templates/", import.meta.url);
const readFixture = (name: string) => Deno.readTextFile(new URL(name, fixtures));

interface Rendered {
  readonly text?: string;
  readonly error?: string;
}

/** What `transformers` renders: by template, conversation, and whether the next reply is begun. */
const golden: Record<string, Record<string, Record<"true" | "false", Rendered>>> = JSON.parse(
  await readFixture("golden.json"),
);
const conversations: Record<string, ChatMessage[]> = JSON.parse(
  await readFixture("conversations.json"),
);

for (const [name, expected] of Object.entries(golden)) {
  Deno.test(`compileChatTemplate() renders ${name} as transformers does`, async () => {
    const path = `${name}.jinja`;
    const tokens = { bos_token: "<s>", eos_token: "</s>" };
    const template = compileChatTemplate(await readFixture(path), { path, tokens });
    const render = (messages: ChatMessage[], addGenerationPrompt: boolean): Rendered => {
      try {
        return { text: template.render(messages, { addGenerationPrompt }) };
      } catch (error) {
        const refused = `${path}: Expected the chat template to accept the messages but found: `;
        const { message } = error as Error;
        assert.ok(message.startsWith(refused), message);
        return { error: message.slice(refused.length) };
      }
    };
    for (const [conversation, messages] of Object.entries(conversations)) {
      for (const prompt of [false, true]) {
        assert.deepEqual(
          render(messages, prompt),
          expected[conversation][`${prompt}`],
          `${conversation}, addGenerationPrompt ${prompt}`,
        );
      }
    }
  });
}

Deno.test("the golden renderings hold refusals, and templates with and without a system message", () => {
  const texts = Object.values(golden).flatMap((byName) =>
    Object.values(byName).flatMap((rendered) => Object.values(rendered))
  );
  assert.deepEqual(Object.keys(golden), [
    "chatml",
    "flow",
    "gemma",
    "llama3",
    "mistral",
    "python",
    "texts",
    "thinking",
    "zephyr",
  ]);
  assert.ok(texts.filter(({ error }) => error !== undefined).length >= 8);
  assert.ok(texts.every(({ text, error }) => (text === undefined) !== (error === undefined)));
});

Deno.test("compileChatTemplate() reads line breaks of other systems as Jinja does", () => {
  const template = compile("{% if true %}\r\n a\r\nb\rc\r\n{% endif %}\r\n");
  assert.equal(template.render(user, { addGenerationPrompt: false }), " a\nb\nc\n");
});

Deno.test("compileChatTemplate() strips what Python strips, and the characters that are named", () => {
  const strip = (expression: string, content: string) =>
    compile(`{{ messages[0].content${expression} }}`).render([{ role: "user", content }], {
      addGenerationPrompt: false,
    });
  const content = "\x1c\x85 \uFEFFx\uFEFF\n";
  for (const expression of [" | trim", ".strip()", "| trim | trim"]) {
    assert.equal(strip(expression, content), "\uFEFFx\uFEFF", expression);
  }
  assert.equal(strip(".lstrip()", content), "\uFEFFx\uFEFF\n");
  assert.equal(strip(".rstrip('\\n')", "x \n\n"), "x ");
  assert.equal(strip(".strip('😀.')", "😀.x.😀😀"), "x");
  assert.equal(strip(" | trim('x')", "xaxx"), "a");
  assert.throws(
    () => compile("{{ messages.strip() }}").render(user, { addGenerationPrompt: false }),
    { name: "InputError", message: /a call of strip\(\), which is not known$/ },
  );
});

Deno.test("compileChatTemplate() refuses by name what it would write otherwise than Python", () => {
  const refusals = {
    "'%.2f' % 1.5": "the conversion %.; of those of Python, %s, %d and %% are known",
    "'%d' % 1.5": "%d of 1.5, which is no whole number",
    "'%s %s' % 'a'": "not enough arguments for format string",
    "'a' % 'b'": "not all arguments converted during string formatting",
    "'a' + 1": "a sum of StringValue and IntegerValue",
    "1 % 0": "a remainder of a division by zero",
    "messages | join": "a list to be joined that holds lists or records",
    "range": "a FunctionValue to be printed",
    "'abc'[::0]": "a slice of step 0",
    "'abc'['a':]": "a slice by StringValue",
    "none[1:]": "a slice of NullValue",
    "'abc'.find('b')": "a call of find(), which is not known",
    "cycler('a', 'b')": "a call of cycler(), which is not known",
    "strftime_now('%Y')":
      "a call of strftime_now(), which is not known: today's date is left out, " +
      "as it would change results",
  };
  for (const [expression, reason] of Object.entries(refusals)) {
    assert.throws(
      () => compile(`{{ ${expression} }}`).render(user, { addGenerationPrompt: false }),
      { name: "InputError", message: new RegExp(`found: ${RegExp.escape(reason)}$`) },
      expression,
    );
  }
});

Deno.test("compileChatTemplate() leaves nothing of one conversation to the next", () => {
  const template = compile("{{ seen | default('new') }}{% set seen = 'old' %}");
  for (let i = 0; i < 2; i++) {
    assert.equal(template.render(user, { addGenerationPrompt: false }), "new");
  }
});

Deno.test("compileChatTemplate() leaves the date out, so that a rendering is the same any day", () => {
  const template = compile(
    "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}-{% endif %}",
  );
  assert.equal(template.render(user, { addGenerationPrompt: false }), "-");
});

Deno.test("compileChatTemplate() passes a template's own refusal on", () => {
  const template = compile("{{ raise_exception('no system role here') }}");
  assert.throws(() => template.render(user, { addGenerationPrompt: false }), {
    name: "InputError",
    message: "chat_template.jinja: Expected the chat template to accept the messages but found: " +
      "no system role here",
  });
});

Deno.test("compileChatTemplate() refuses a loop's variable that would hide the loop, as Jinja does", () => {
  const template = compile("{% for loop in messages %}{{ loop.content }}{% endfor %}");
  assert.throws(() => template.render(user, { addGenerationPrompt: false }), {
    name: "InputError",
    message: /found: a variable of a loop that is named loop$/,
  });
});

Deno.test("compileChatTemplate() refuses to leave a loop where there is none", () => {
  assert.throws(() => compile("a{% break %}").render(user, { addGenerationPrompt: false }), {
    name: "InputError",
    message: /found: a break outside of a loop$/,
  });
});

Deno.test("compileChatTemplate() refuses what is no Jinja", () => {
  assert.throws(() => compile("{% for m in messages %}"), {
    name: "InputError",
    message: /^chat_template\.jinja: Expected a Jinja template but found: /,
  });
});

Deno.test("compileChatTemplate() says of a template that is cut short that it ends too early", () => {
  assert.throws(() => compile("{{ foo("), {
    message: "chat_template.jinja: Expected a Jinja template but found: " +
      "a text that ends within an expression or a statement",
  });
});
