import assert from "node:assert/strict";
import { compileChatTemplate } from "../../../data/tokenizer/chat_template.ts";
import { MOST_STEPS } from "../../../data/tokenizer/jinja_steps.ts";

/** Two lists that hold themselves over and over: 2^60 elements each to who walks through all. */
const NESTED = "{% set n = namespace(l=[1], m=[1]) %}{% for a in range(60) %}" +
  "{% set n.l = [n.l, n.l] %}{% set n.m = [n.m, n.m] %}{% endfor %}";
/** A list of 131,072 records, and a text of as many characters. */
const LONG = "{% set n = namespace(l=[{'a': 1}], s='x', p=[('a', 1)]) %}{% for a in range(17) %}" +
  "{% set n.l = n.l + n.l %}{% set n.p = n.p + n.p %}{% set n.s = n.s ~ n.s %}{% endfor %}" +
  "{% set y = 'y' ~ n.s %}";
/** Bombs by their expressions, which are set between two texts. */
const bombs = (expressions: readonly string[], begin: string, end: string) =>
  Object.fromEntries(
    expressions.map((expression) => [expression, `${begin}${expression}${end}`]),
  );

const BOMBS: Readonly<Record<string, string>> = {
  ...bombs(
    [
      ...[
        "n.l",
        "n.l | string",
        "n.l | trim",
        "n.l | title",
        "n.l ~ ''",
        "n.l == n.m",
        "n.l in [n.m]",
      ],
      ...["n.l | tojson", "[n.l] | join", "[n.l] | unique", "[n.l, n.m] | sort", "'%s' % n.l"],
      ...["'a'.startswith(n.l)", "x | default(n.l)"],
    ],
    `${NESTED}{{ `,
    " }}",
  ),
  ...bombs(
    [
      ...["-1 in n.l", "n.l[::1]", "n.l[:1]", "n.l | selectattr('b')", "n.l | map(attribute='a')"],
      ...["n.l + []", "n.l | reverse", "namespace(n.p)", "y in n.s", "n.s is lower", "n.s[0:1]"],
    ],
    `${LONG}{% for a in range(300000) %}{% set x = `,
    " %}{% endfor %}",
  ),
  ...bombs(
    [
      ...["n.s | replace('x', n.s)", "n.s.replace('', n.s)", "n.s['replace']('x', n.s)"],
      ...["n.l | map(attribute=n.s)", "range(90000) | join(n.s)", "n.s | indent(99999999)"],
      ...["n.l | tojson(indent=99999)", "range(99999) | tojson(separators=(n.s, n.s))"],
      ...["n.s.replace('x', '\n') | indent(9999)", "(n.s ~ n.s).replace('x', n.s)"],
    ],
    `${LONG}{{ `,
    " }}",
  ),
  "a method that is kept": LONG + "{% set f = n.s.strip %}" +
    "{% for a in range(300000) %}{% set x = f('x') %}{% endfor %}",
  "a filter of a block": `${LONG}{% filter replace('x', n.s) %}{{ n.s }}{% endfilter %}`,
  "arguments from a list": LONG + "{% macro f() %}{{ varargs | length }}{% endmacro %}" +
    "{% for a in range(300000) %}{% set x = f(*n.l) %}{% endfor %}",
  "blocks that are called": LONG + "{% macro f() %}{{ varargs | length }}{% endmacro %}" +
    "{% for a in range(300000) %}{% call f(*n.l) %}{% endcall %}{% endfor %}",
  "a macro that is made over and over": "{% for a in range(300000) %}{% macro f() %}" +
    "{{ a.b.c.d }}".repeat(9999) + "{% endmacro %}{% endfor %}",
  "names that are not there": "{% for a in range(999999) %}{{ q }}{% endfor %}",
  "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
  "nested loops over one list":
    "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
  "a text that doubles": "{% set n = namespace(s='xxxxxxxx') %}{% for a in range(99) %}" +
    "{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}",
  "output without end":
    "{% for a in range(99999) %}{% for b in range(40) %}{{ 'x' * 1 if false else " +
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}{% endfor %}",
};

/** What is refused for another reason, which is given. */
const BOUNDED_OTHERWISE: Readonly<Record<string, readonly [string, string]>> = {
  "a long range": [
    "{% for a in range(10000000000) %}{% endfor %}",
    "a range of 10000000000 numbers",
  ],
  "a range without a step": [
    "{% for a in range(0, 9, 0) %}{% endfor %}",
    "a range of Infinity numbers",
  ],
  "a macro that calls itself": [
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "Maximum call stack size exceeded",
  ],
  "a wide format": [
    "{{ '%99999999d' % 1 }}",
    "the conversion %9; of those of Python, %s, %d and %% are known",
  ],
  "a refusal of nested lists": [
    `${NESTED}{{ raise_exception(n.l) }}`,
    "a message that is no text",
  ],
  "a range to nested lists": [`${NESTED}{{ range(n.l) }}`, "a range of what is no number"],
  "nested lists to be stripped": [
    `${NESTED}{{ 'a'.strip(n.l) }}`,
    "strip() of characters that are no text",
  ],
};

const ALL = [
  ...Object.entries(BOUNDED_OTHERWISE).map(([name, [source, reason]]) => ({
    name,
    source,
    reason,
  })),
  ...Object.entries(BOMBS).map(([name, source]) => ({
    ...{ name, source },
    reason: `a template that does not end within ${MOST_STEPS} steps`,
  })),
];

for (const { name, source, reason } of ALL) {
  Deno.test(`a template that never ends is refused within seconds: ${name}`, () => {
    const template = compileChatTemplate(source, { path: "bomb.jinja", tokens: {} });
    const start = performance.now();
    assert.throws(
      () => template.render([{ role: "user", content: "hi" }], { addGenerationPrompt: true }),
      {
        name: "InputError",
        message:
          `bomb.jinja: Expected the chat template to accept the messages but found: ${reason}`,
      },
    );
    const seconds = (performance.now() - start) / 1000;
    assert(seconds < 30, `${seconds} s`);
  });
}

Deno.test("a template over a conversation of 2,000 long messages stays within its bounds", () => {
  const source = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}";
  const template = compileChatTemplate(source, { path: "chat.jinja", tokens: {} });
  const messages = Array.from(
    { length: 2000 },
    () => ({ role: "user" as const, content: "word ".repeat(800) }),
  );
  const text = template.render(messages, { addGenerationPrompt: false });
  assert.equal(text.length, 2000 * 4008);
});
