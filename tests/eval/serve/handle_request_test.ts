import assert from "node:assert/strict";
import { handleRequest, type ServeContext } from "../../../eval/serve/handle_request.ts";
import { ScriptedDecoder } from "../scripted_decoder.ts";
import { letterContext, letterModel } from "./letter_model.ts";

async function send(
  path: string,
  body?: unknown,
  { context = letterContext(), signal }: { context?: ServeContext; signal?: AbortSignal } = {},
): Promise<{ status: number; body: Record<string, unknown>; text: string; headers: Headers }> {
  const request = new Request(`http://127.0.0.1${path}`, {
    signal,
    ...body === undefined ? {} : {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    },
  });
  const response = await handleRequest(request, context);
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  const { status, headers } = response;
  return { status, headers, text, body: isJson ? JSON.parse(text) : {} };
}

const base = { model: "letters", temperature: 0 };
const complete = (more: object) => send("/v1/completions", { ...base, ...more });

Deno.test("GET /v1/models names the model", async () => {
  const { body } = await send("/v1/models");
  const model = { id: "letters", object: "model", created: 5, owned_by: "ballast" };
  assert.deepEqual(body, { object: "list", data: [model] });
  assert.deepEqual((await send("/v1/models/letters")).body, model);
  assert.equal((await send("/v1/models/other")).status, 404);
});

Deno.test("POST /v1/completions answers in OpenAI's form", async () => {
  const { status, body } = await complete({ prompt: "XG", max_tokens: 8 });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    id: "cmpl-1",
    created: 5,
    model: "letters",
    object: "text_completion",
    choices: [{ text: "FEDC", index: 0, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 2, completion_tokens: 5, total_tokens: 7 },
  });
});

interface CompletionChoice {
  text: string;
  index: number;
  finish_reason: string;
  logprobs: {
    tokens: string[];
    token_logprobs: (number | null)[];
    top_logprobs: (Record<string, number> | null)[];
    text_offset: number[];
  };
}

const choices = async (more: object) => (await complete(more)).body.choices as CompletionChoice[];

Deno.test("prompts are texts, lists of texts, token ids and lists of token ids", async () => {
  const texts = async (prompt: unknown) => (await choices({ prompt })).map(({ text }) => text);
  assert.deepEqual(await texts("F"), ["EDC"]);
  assert.deepEqual(await texts(["F", "XE"]), ["EDC", "DC"]);
  assert.deepEqual(await texts([24, 6]), ["EDC"]);
  assert.deepEqual(await texts([[6], [24, 5]]), ["EDC", "DC"]);
});

Deno.test("answers are cut at max_tokens, and before the first stop text", async () => {
  const [cut] = await choices({ prompt: "K", max_tokens: 3 });
  assert.deepEqual([cut.text, cut.finish_reason], ["JIH", "length"]);
  const [stopped] = await choices({ prompt: "K", stop: ["ED", "GF"] });
  assert.deepEqual([stopped.text, stopped.finish_reason], ["JIH", "stop"]);
});

Deno.test("echo with logprobs scores the prompt, with no new token or one", async () => {
  const echo = { prompt: "GFB", echo: true, logprobs: 1 };
  const [scored] = await choices({ ...echo, max_tokens: 0 });
  assert.deepEqual([scored.text, scored.finish_reason], ["GFB", "length"]);
  const { tokens, token_logprobs, top_logprobs, text_offset } = scored.logprobs;
  assert.deepEqual(tokens, ["G", "F", "B"]);
  assert.deepEqual(text_offset, [0, 1, 2]);
  assert.deepEqual([token_logprobs[0], top_logprobs[0]], [null, null]);
  assert.ok(Math.abs(token_logprobs[1]!) < 1e-6 && token_logprobs[2]! < -40);
  // What lm-evaluation-harness tells greedy tokens by.
  assert.equal(token_logprobs[1], Math.max(...Object.values(top_logprobs[1]!)));
  assert.deepEqual(Object.keys(top_logprobs[2]!), ["E", "B"]);
  const [one] = await choices({ ...echo, prompt: "GFE", max_tokens: 1 });
  assert.equal(one.text, "GFED");
  assert.deepEqual(one.logprobs.tokens, ["G", "F", "E", "D"]);
  assert.deepEqual(one.logprobs.text_offset, [0, 1, 2, 3]);
});

Deno.test("the end token is among log-probabilities and not in the text", async () => {
  const [{ text, logprobs }] = await choices({ prompt: "D", logprobs: 0 });
  assert.deepEqual([text, logprobs.tokens], ["C", ["C", "token_id:1"]]);
});

Deno.test("POST /v1/chat/completions renders the model's template", async () => {
  const messages = [{ role: "user", content: [{ type: "text", text: "XY" }] }];
  const seen: number[][] = [];
  const model = letterModel({
    decoder: new ScriptedDecoder(64, (tokens) => {
      seen.push([...tokens]);
      return Array.from({ length: 64 }, (_, id) => id === 1 ? 50 : 0);
    }),
  });
  const asked = { ...base, messages, logprobs: true, top_logprobs: 2 };
  const { body } = await send("/v1/chat/completions", asked, { context: letterContext({ model }) });
  assert.deepEqual(seen[0], [53, 24, 25, 2]); // uXY>
  const [choice] = body.choices as {
    message: object;
    logprobs: { content: { token: string; top_logprobs: object[] }[] };
  }[];
  assert.deepEqual(choice.message, { role: "assistant", content: "", refusal: null });
  assert.deepEqual(choice.logprobs.content.map(({ token }) => token), ["token_id:1"]);
  assert.equal(choice.logprobs.content[0].top_logprobs.length, 2);
});

Deno.test("a drawn answer names its seed, given or not; a greedy one has none", async () => {
  const seed = async (more: object) =>
    (await complete({ prompt: "F", ...more })).headers.get("ballast-seed");
  assert.deepEqual(
    [await seed({ temperature: 1 }), await seed({ temperature: 1, seed: 3 }), await seed({})],
    ["17", "3", null],
  );
});

Deno.test("a stream sends parts as they come, the usage where asked for, and [DONE]", async () => {
  const asked = { ...base, prompt: "G", stream: true, stream_options: { include_usage: true } };
  const { text, headers } = await send("/v1/completions", asked);
  assert.equal(headers.get("content-type"), "text/event-stream");
  const events = text.trimEnd().split("\n\n").map((line) => line.replace(/^data: /, ""));
  assert.equal(events.pop(), "[DONE]");
  const chunks = events.map((event) => JSON.parse(event));
  const { usage, choices: none } = chunks.pop();
  assert.deepEqual([usage.completion_tokens, none], [5, []]);
  const parts = chunks.map(({ choices: [{ text, finish_reason }] }) => [text, finish_reason]);
  assert.deepEqual(parts, [["F", null], ["E", null], ["D", null], ["C", null], ["", "stop"]]);
});

Deno.test("what is wrong is told in OpenAI's form: the field, the value, the nearest valid", async () => {
  const chat = { ...base, messages: [{ role: "user", content: "X" }] };
  const cases: [string, unknown, number, RegExp][] = [
    [
      "/v1/completions",
      { ...base, prompt: "A", temperatur: 1 },
      400,
      /temperatur: Expected a field that is implemented but found 1\. Did you mean "temperature"\?/,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", temperature: 3 },
      400,
      /temperature: Expected a number from 0 to 2 but found 3\./,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", top_p: 0, n: 0.5 },
      400,
      /2 problems:\n.*top_p: .*above 0, at most 1 but found 0\.\n.*n: .*integer/,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", presence_penalty: 1 },
      400,
      /presence_penalty: Expected 0 \(nothing else is implemented\) but found 1\./,
    ],
    ["/v1/completions", { ...base }, 400, /prompt: Expected a text, token ids/],
    [
      "/v1/completions",
      { ...base, prompt: "" },
      400,
      /prompt: Expected a prompt of one token or more/,
    ],
    ["/v1/completions", { ...base, prompt: ["A", 7] }, 400, /prompt\[1\]: /],
    [
      "/v1/completions",
      { ...base, prompt: [5, 64] },
      400,
      /prompt: Expected token ids from 0 to 63 but found 64\./,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", max_tokens: 0 },
      400,
      /max_tokens: Expected an integer of at least 1 but found 0\./,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", max_tokens: 64 },
      400,
      /fit the model's 64 positions but found 1 and 64\./,
    ],
    [
      "/v1/completions",
      { ...base, prompt: "A", model: "leters" },
      404,
      /Expected "letters", .* but found "leters"\./,
    ],
    ["/v1/completions", "{", 400, /Expected a body of JSON but found: /],
    ["/v1/completions", [], 400, /Expected a JSON object but found \[\]\./],
    ["/v1/completions", " ".repeat(9 * 2 ** 20), 413, /at most 8388608 bytes/],
    ["/v1/completion", {}, 404, /Did you mean "\/v1\/completions"\?/],
    ["/v1/models", {}, 405, /Expected GET but found POST\./],
    [
      "/v1/chat/completions",
      { ...chat, messages: [{ role: "usr", content: "X" }] },
      400,
      /messages\[0\]\.role: .* found "usr"\. Did you mean "user"\?/,
    ],
    [
      "/v1/chat/completions",
      { ...chat, messages: [{ role: "user", content: 1 }] },
      400,
      /messages\[0\]\.content: /,
    ],
    ["/v1/chat/completions", { ...chat, tools: [{}] }, 400, /tools: Expected no tools/],
    ["/v1/chat/completions", { ...chat, top_logprobs: 1 }, 400, /only where logprobs is true/],
  ];
  for (const [path, asked, status, message] of cases) {
    const context = letterContext();
    const found = await send(path, asked, { context });
    const { error } = found.body as { error: Record<string, unknown> };
    assert.equal(found.status, status, found.text);
    assert.match(String(error.message), message);
    assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
    assert.equal(error.type, "invalid_request_error");
    assert.doesNotMatch(found.text, /\.ts:|\/private/);
    assert.deepEqual(context.faults, []);
  }
});

Deno.test("a limit of the server's own is refused by name", async () => {
  const context = letterContext({ model: letterModel({ maxTokens: 4 }) });
  const asked = { ...base, prompt: "K", max_tokens: 5 };
  const { body } = await send("/v1/completions", asked, { context });
  const { error } = body as { error: { message: string; param: string } };
  assert.equal(error.param, "max_tokens");
  assert.match(error.message, /from 1 to 4 but found 5\./);
  const { body: fits } = await send("/v1/completions", { ...base, prompt: "K" }, { context });
  assert.equal((fits.choices as CompletionChoice[])[0].text, "JIHG");
});

Deno.test("a failure of ours is told to the log, and to the client without its inner parts", async () => {
  const model = letterModel({
    decoder: new ScriptedDecoder(64, () => {
      throw new TypeError("inner parts");
    }),
  });
  const context = letterContext({ model });
  const { status, text, body } = await send("/v1/completions", { ...base, prompt: "A" }, {
    context,
  });
  assert.equal(status, 500);
  assert.equal((body.error as { type: string }).type, "server_error");
  assert.doesNotMatch(text, /inner parts/);
  assert.match(String(context.faults), /inner parts/);
});

Deno.test("requests are answered one at a time, and one that is given up stops between tokens", async () => {
  const hungUp = new AbortController();
  let steps = 0;
  const decoder = new ScriptedDecoder(64, () => {
    if (++steps === 5) hungUp.abort();
    return Array.from({ length: 64 }, (_, id) => id === 5 ? 50 : 0);
  });
  const context = letterContext({ model: letterModel({ decoder }) });
  const asked = { ...base, prompt: "A", max_tokens: 50 };
  const first = send("/v1/completions", asked, { context, signal: hungUp.signal });
  const second = send("/v1/completions", { ...asked, max_tokens: 2 }, { context });
  assert.equal((await second).status, 200);
  await first;
  assert.equal(steps, 5 + 2);
  assert.deepEqual(context.faults, []);
});

Deno.test("pages of other sites are not answered, whatever name leads here", async () => {
  const status = async (url: string, origin?: string, context = letterContext()) => {
    const headers: Record<string, string> = origin === undefined ? {} : { origin };
    const answer = await handleRequest(new Request(url, { headers }), context);
    await answer.body?.cancel();
    return answer.status;
  };
  const models = "http://127.0.0.1:8000/v1/models";
  assert.equal(await status(models), 200);
  assert.equal(await status("http://localhost:8000/v1/models", "http://localhost:8000"), 200);
  assert.equal(await status(models, "http://attacker.example"), 403);
  const rebound = "http://attacker.example:8000/v1/models";
  assert.equal(await status(rebound, "http://attacker.example:8000"), 403);
  const open = { ...letterContext(), host: "0.0.0.0", names: ["gpu-1"] };
  assert.equal(await status("http://gpu-1:8000/v1/models", undefined, open), 200);
  assert.equal(await status(rebound, undefined, open), 403);
});

Deno.test("a body that is not called JSON is refused: a page of another site may send it unasked", async () => {
  const post = async (type: string | null) => {
    const body = new TextEncoder().encode(JSON.stringify({ ...base, prompt: "XG", max_tokens: 1 }));
    const headers: Record<string, string> = type === null ? {} : { "Content-Type": type };
    const url = "http://127.0.0.1/v1/completions";
    const answer = await handleRequest(
      new Request(url, { method: "POST", headers, body }),
      letterContext(),
    );
    const { error } = await answer.json() as { error?: { message: string } };
    return [answer.status, error?.message];
  };
  for (const type of ["application/json", "Application/JSON; charset=utf-8"]) {
    assert.deepEqual(await post(type), [200, undefined], type);
  }
  for (
    const type of [
      "text/plain",
      "text/plain;x=application/json",
      "application/x-www-form-urlencoded",
    ]
  ) {
    const message = `Expected the Content-Type application/json but found "${type}".`;
    assert.deepEqual(await post(type), [415, message]);
  }
  assert.deepEqual(await post(null), [
    415,
    "Expected the Content-Type application/json but found none.",
  ]);
});
