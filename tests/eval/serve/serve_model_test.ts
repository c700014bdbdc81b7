import assert from "node:assert/strict";
import { join } from "node:path";
import OpenAI, { APIError } from "openai";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { generate } from "../../../eval/generate.ts";
import { endTokens, replyToPrompts } from "../../../eval/reply_to_prompts.ts";
import { serveModel } from "../../../eval/serve/serve_model.ts";
import type { ServedModel } from "../../../eval/serve/served_model.ts";
import { openScorer } from "../../../train/logps.ts";
import { openDecoder } from "../../../train/models/decoder.ts";
import { loadModel } from "../../../train/models/model.ts";
import { openSequenceReader } from "../../../train/models/sequence_reader.ts";
import { writeSmallModel } from "../../cli/small_model.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { ScriptedDecoder } from "../scripted_decoder.ts";
import { letterModel } from "./letter_model.ts";

/** Serves a model while `use` runs; the server must then end by itself. */
async function whileServed(
  model: ServedModel,
  use: (client: OpenAI, address: string) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<number>();
  let seed = 0;
  const faults: unknown[] = [];
  const ended = serveModel({
    model,
    host: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    now: Date.now,
    newId: () => crypto.randomUUID(),
    drawSeed: () => seed++,
    onFault: (error) => faults.push(error),
    onReady: ready.resolve,
  });
  const address = `http://127.0.0.1:${await ready.promise}/v1`;
  try {
    await use(new OpenAI({ baseURL: address, apiKey: "none", maxRetries: 0 }), address);
  } finally {
    stop.abort();
    await ended;
  }
  assert.deepEqual(faults, []);
}

const TEXTS = ["say black two times", "name two tools", "knife — é 漢"];

/** A small random model with a byte-level tokenizer, opened. */
async function openSmallModel(root: string) {
  await writeSmallModel(root);
  const model = await loadModel(join(root, "folder"));
  const tokenizer = await loadTokenizer(join(root, "folder"));
  const served: ServedModel = {
    name: "small/model",
    config: model.config,
    tokenizer,
    decoder: await openDecoder(model, { threads: 1 }),
    reader: await openSequenceReader(model, { threads: 1 }),
    maxTokens: null,
  };
  return { model, served, tokenizer };
}

Deno.test("the openai client meets a served model", async (t) => {
  await using scratch = await ScratchFolder.make();
  const { model, served, tokenizer } = await openSmallModel(scratch.path);
  const greedy = { model: served.name, temperature: 0 };
  const prompts = TEXTS.map((text, i) => ({
    id: `prompt ${i + 1}`,
    tokens: tokenizer.encode(text),
  }));
  const ids = prompts.map(({ tokens }) => [...tokens]);
  const base = { prompts, samples: 1, stopTokens: endTokens(tokenizer, model.config) };

  await whileServed(served, async (client) => {
    await t.step("models.list() and models.retrieve() give its name", async () => {
      const { data } = await client.models.list();
      assert.deepEqual(data.map(({ id }) => id), [served.name]);
      assert.equal((await client.models.retrieve(served.name)).id, served.name);
    });

    await t.step(
      "greedy completions of texts and of token ids are those of generate()",
      async () => {
        const expected = await generate(served.decoder, {
          ...base,
          decoding: "greedy",
          maxNewTokens: 24,
        });
        const texts = expected.map(([{ tokens, stop }]) =>
          tokenizer.decode(stop === "end" ? tokens.subarray(0, -1) : tokens)
        );
        assert(new Set(texts).size === texts.length, "answers hang on the prompt");
        for (const prompt of [TEXTS, ids]) {
          const { choices, usage } = await client.completions.create({
            ...greedy,
            prompt,
            max_tokens: 24,
          });
          assert.deepEqual(choices.map(({ text }) => text), texts);
          const written = expected.reduce((sum, [{ tokens }]) => sum + tokens.length, 0);
          assert.equal(usage!.completion_tokens, written);
        }
      },
    );

    await t.step("echoed log-probabilities add up to the scorer's, within 1e-4", async () => {
      const scorer = await openScorer(model, { threads: 1 });
      const sums = await scorer.logps(
        ids.map((tokens) => ({
          prompt: Int32Array.from(tokens.slice(0, 1)),
          reply: Int32Array.from(tokens.slice(1)),
        })),
      );
      await scorer.release();
      for (const max_tokens of [0, 1]) {
        const { choices } = await client.completions.create({
          ...greedy,
          prompt: ids,
          echo: true,
          logprobs: 1,
          max_tokens,
        });
        choices.forEach(({ text, logprobs }, i) => {
          const { token_logprobs: found, text_offset: offsets } = logprobs!;
          assert.equal(found!.length, ids[i].length + max_tokens);
          const sum = found!.slice(1, ids[i].length).reduce((total, logp) => total + logp, 0);
          assert(Math.abs(sum - sums[i]) < 1e-4, `${sum} ${sums[i]}`);
          assert(text.startsWith(TEXTS[i]));
          assert.equal(offsets![0], 0);
          assert(offsets!.every((at, t) => t === 0 || at >= offsets![t - 1]));
        });
      }
    });

    await t.step(
      "log-probabilities of new tokens are the same in one answer and in a stream",
      async () => {
        const asked = { ...greedy, prompt: TEXTS[0], max_tokens: 12, logprobs: 3 };
        const { choices: [whole] } = await client.completions.create(asked);
        let text = "";
        const found: number[] = [];
        for await (const chunk of await client.completions.create({ ...asked, stream: true })) {
          text += chunk.choices[0].text;
          found.push(...chunk.choices[0].logprobs!.token_logprobs!);
        }
        assert.equal(text, whole.text);
        assert.deepEqual(found, whole.logprobs!.token_logprobs);
      },
    );

    await t.step(
      "streamed chats add up to the whole, which is that of replyToPrompts()",
      async () => {
        const replied = await replyToPrompts(served, {
          prompts: prompts.map(({ id }, i) => ({ id, prompt: TEXTS[i] })),
          samples: 1,
          decoding: "greedy",
          maxNewTokens: 24,
        });
        for (const [i, { replies: [reply] }] of replied.entries()) {
          const asked = {
            ...greedy,
            messages: [{ role: "user" as const, content: TEXTS[i] }],
            max_completion_tokens: 24,
          };
          const { choices: [whole], usage } = await client.chat.completions.create(asked);
          assert.equal(whole.message.content, reply.text);
          assert.equal(whole.finish_reason, reply.stop === "end" ? "stop" : "length");
          assert.equal(usage!.completion_tokens, reply.tokens.length);
          let text = "";
          for await (
            const chunk of await client.chat.completions.create({ ...asked, stream: true })
          ) {
            text += chunk.choices[0]?.delta.content ?? "";
          }
          assert.equal(text, reply.text);
          const stop = reply.text.slice(4, 6);
          if (!stop.isWellFormed() || stop === "") continue;
          const stopped = await client.chat.completions.create({ ...asked, stop: [stop] });
          assert.equal(
            stopped.choices[0].message.content,
            reply.text.slice(0, reply.text.indexOf(stop)),
          );
        }
      },
    );

    await t.step("a seed reproduces what is drawn; samples and seeds differ", async () => {
      const asked = { model: served.name, prompt: TEXTS[0], n: 3, max_tokens: 12 };
      const draw = async (more: object) =>
        (await client.completions.create({ ...asked, ...more })).choices.map(({ text }) => text);
      const first = await draw({ seed: 5 });
      assert.equal(new Set(first).size, 3);
      assert.deepEqual(await draw({ seed: 5 }), first);
      assert.notDeepEqual(await draw({ seed: 6 }), first);
      assert.notDeepEqual(await draw({}), await draw({}));
      const [[reply]] = await generate(served.decoder, {
        ...base,
        prompts: prompts.slice(0, 1),
        decoding: { temperature: 1, topP: 1, seed: 5, stream: "generate" },
        maxNewTokens: 12,
      });
      const written = reply.stop === "end" ? reply.tokens.subarray(0, -1) : reply.tokens;
      assert.equal(first[0], tokenizer.decode(written));
    });

    await t.step("many requests at once are answered as each alone", async () => {
      const ask = async (prompt: string) =>
        (await client.completions.create({ ...greedy, prompt })).choices[0].text;
      const alone: string[] = [];
      for (const text of TEXTS) alone.push(await ask(text));
      const asked = Array.from({ length: 12 }, (_, i) => TEXTS[i % TEXTS.length]);
      assert.deepEqual(
        await Promise.all(asked.map(ask)),
        asked.map((text) => alone[TEXTS.indexOf(text)]),
      );
    });

    await t.step("errors are the client's own, with field and message", async () => {
      await assert.rejects(
        client.completions.create({ ...greedy, prompt: "a", frequency_penalty: 1 }),
        (error) => {
          assert(error instanceof APIError && error.status === 400);
          assert.equal(error.param, "frequency_penalty");
          assert.match(error.message, /Expected 0 .* but found 1\./);
          return true;
        },
      );
    });
  });
  await served.decoder.release();
  await served.reader.release();
});

Deno.test("a client that hangs up is given up between two tokens", async () => {
  let steps = 0;
  const decoder = new ScriptedDecoder(64, () => {
    steps++;
    return Array.from({ length: 64 }, (_, id) => id === 5 ? 50 : 0);
  });
  const slow = {
    vocabSize: 64,
    cacheFloats: 1,
    reserve: () => {},
    add: (prompts: readonly Int32Array[]) => decoder.add(prompts),
    step: async (tokens: Int32Array) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return await decoder.step(tokens);
    },
    drop: (row: number) => decoder.drop(row),
    clear: () => decoder.clear(),
    release: () => decoder.release(),
  };
  const config = { ...letterModel().config, maxPositions: 5000 };
  const model = letterModel({ decoder: slow, config });
  await whileServed(model, async (client, address) => {
    for (const stream of [false, true]) {
      steps = 0;
      const hangUp = await beginAsking(address, { prompt: "K", max_tokens: 4000, stream });
      while (steps < 5) await new Promise((resolve) => setTimeout(resolve, 5));
      hangUp();
      const short = { model: "letters", prompt: "K", temperature: 0, max_tokens: 1 };
      assert.equal((await client.completions.create(short)).choices[0].text, "E");
      assert(steps < 1000, `${stream}: ${steps} steps`);
    }
  });
});

/** Sends a request over a connection of its own; the function that comes back closes that. */
async function beginAsking(address: string, asked: object): Promise<() => void> {
  const { hostname, port, host, pathname } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const body = JSON.stringify({ model: "letters", temperature: 0, ...asked });
  const head = [
    `POST ${pathname}/completions HTTP/1.1`,
    `Host: ${host}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
  return () => connection.close();
}

Deno.test("a server that stops gives up what is under way and says so", async () => {
  const decoder = new ScriptedDecoder(
    64,
    () => Array.from({ length: 64 }, (_, id) => id === 5 ? 50 : 0),
  );
  const config = { ...letterModel().config, maxPositions: 10_000_000 };
  let answered: Promise<unknown> = Promise.resolve();
  await whileServed(letterModel({ decoder, config }), async (client) => {
    answered = client.completions.create({
      model: "letters",
      prompt: "K",
      temperature: 0,
      max_tokens: 9_000_000,
    }).catch((error) => error);
    while (decoder.rowsSeen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  const error = await answered;
  assert(error instanceof APIError);
  assert.match(error.message, /503 The server is stopping\./);
});

Deno.test("a port that is taken is told by name", async () => {
  await whileServed(letterModel(), async (_, address) => {
    const port = Number(new URL(address).port);
    await assert.rejects(
      serveModel({
        model: letterModel(),
        host: "127.0.0.1",
        port,
        signal: AbortSignal.abort(),
        now: Date.now,
        newId: () => "",
        drawSeed: () => 0,
        onFault: () => {},
        onReady: () => {},
      }),
      {
        name: "ExpectedError",
        message: `Port ${port} of 127.0.0.1 is in use. Choose another one with --port; ` +
          "0 takes any that is free.",
      },
    );
  });
});
