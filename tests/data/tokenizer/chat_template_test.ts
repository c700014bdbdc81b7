import assert from "node:assert/strict";
import { compileChatTemplate } from "../../../data/tokenizer/chat_template.ts";

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

Deno.test("compileChatTemplate() refuses what is no Jinja", () => {
  assert.throws(() => compile("{% for m in messages %}"), {
    name: "InputError",
    message: /^chat_template\.jinja: Expected a Jinja template but found: /,
  });
});
