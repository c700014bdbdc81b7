import assert from "node:assert/strict";
import { askAll, type AskProgress } from "../../../eval/judge/ask_all.ts";
import { readCompletion } from "../../../eval/judge/completion.ts";
import type { Outcome } from "../../../eval/judge/kept_answers.ts";
import { makeRequest } from "../../../eval/judge/request.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { asking, numbered, SAMPLING } from "./asking.ts";
import { FakeJudge, type Mishap } from "./fake_judge.ts";

const echo = (body: { messages: readonly { content: string }[] }) =>
  `I read ${body.messages[0].content}`;

const textOf = (outcome: Outcome) =>
  outcome.state === "answered" ? readCompletion(outcome.raw)?.text : outcome.reason;

Deno.test("askAll() gives each request its answer, so many at once, and asks nothing twice", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo, () => ({ kind: "slow", milliseconds: 10 }));
  const requests = numbered(20);
  const outcomes = await askAll([...requests, requests[3]], asking(scratch.path, judge));
  assert.deepEqual(
    outcomes.map(textOf),
    [...requests.keys(), 3].map((i) => `I read item ${i}`),
  );
  assert.equal(judge.seen.length, 20, "equal requests are asked once");
  assert.equal(judge.atOnce, 4);
  assert.equal(judge.seen[0].path, "/v1/chat/completions");
  assert.equal(judge.seen[0].authorization, "Bearer sk-neverToBeSeen");
  const again = await askAll(requests, asking(scratch.path, judge));
  const offline = await askAll(requests, asking(scratch.path, null));
  assert.deepEqual(again, outcomes.slice(0, 20));
  assert.deepEqual(offline, outcomes.slice(0, 20));
  assert.equal(judge.seen.length, 20);
});

const MISHAPS: Readonly<Record<string, Mishap>> = {
  "429 without a wait": { kind: "status", status: 429 },
  "429 with Retry-After: 0": { kind: "status", status: 429, headers: { "Retry-After": "0" } },
  "500": { kind: "status", status: 500 },
  "503 with a date": {
    kind: "status",
    status: 503,
    headers: { "Retry-After": new Date(0).toUTCString() },
  },
  "a cut answer": { kind: "cut" },
  "an answer that stops midway": { kind: "trickle" },
  "nonsense": { kind: "nonsense" },
  "silence": { kind: "silent" },
};

for (const [name, mishap] of Object.entries(MISHAPS)) {
  Deno.test(`askAll() asks again after ${name}, and gives up after so many attempts`, async () => {
    await using scratch = await ScratchFolder.make();
    await using judge = new FakeJudge(
      echo,
      ({ messages }, before) => messages[0].content === "item 1" || before < 2 ? mishap : null,
    );
    // Only what would wait for ever is cut off soon: others may be slow on a busy machine.
    const endless = mishap.kind === "silent" || mishap.kind === "trickle";
    const options = endless ? { timeout: 400 } : {};
    const outcomes = await askAll(numbered(3), asking(scratch.path, judge, options));
    assert.deepEqual(outcomes.map(({ state }) => state), ["answered", "failed", "answered"]);
    assert.match(textOf(outcomes[1])!, /; asked 4 times$/);
    assert.equal(judge.seen.length, 3 + 4 + 3);
    assert.deepEqual(await askAll(numbered(3), asking(scratch.path, null)), outcomes);
  });
}

Deno.test("askAll() asks for what failed anew when it is online, and keeps the answer instead", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo, (_, before) => {
    return before === 0 ? { kind: "status", status: 400 } : null;
  });
  const [failed] = await askAll(numbered(1), asking(scratch.path, judge));
  assert.deepEqual(failed, { state: "failed", reason: "answered 400" });
  assert.equal(judge.seen.length, 1, "a refused request is not repeated at once");
  const [answered] = await askAll(numbered(1), asking(scratch.path, judge));
  assert.equal(textOf(answered), "I read item 0");
  assert.deepEqual(await askAll(numbered(1), asking(scratch.path, null)), [answered]);
});

Deno.test("a busy endpoint is left alone by every request for as long as it asks", async () => {
  await using scratch = await ScratchFolder.make();
  const busy: Mishap = { kind: "status", status: 429, headers: { "retry-after-ms": "300" } };
  await using judge = new FakeJudge(
    echo,
    ({ messages }, before) => messages[0].content === "item 0" && before === 0 ? busy : null,
  );
  await askAll(numbered(12), asking(scratch.path, judge, { pace: { concurrency: 1 } }));
  const gap = judge.seen[1].at - judge.seen[0].at;
  assert(gap >= 295, `${gap} ms`);
});

Deno.test("requests begin no faster than the rate that is allowed", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo);
  await askAll(numbered(5), asking(scratch.path, judge, { pace: { requestsPerMinute: 600 } }));
  const took = judge.seen[4].at - judge.seen[0].at;
  assert(took >= 390, `${took} ms for four intervals of 100 ms`);
});

Deno.test("a retry begins no faster than the rate that is allowed either", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(
    echo,
    (_, before) => before < 3 ? { kind: "status", status: 500 } : null,
  );
  const pace = { requestsPerMinute: 600, firstWait: 1, attempts: 4 };
  await askAll(numbered(1), asking(scratch.path, judge, { pace }));
  const took = judge.seen[3].at - judge.seen[0].at;
  assert(took >= 290, `${took} ms for three intervals of 100 ms`);
});

Deno.test("askAll() stops where nothing can come: a wrong key, a long wait, failures in a row", async () => {
  const stops: readonly [Mishap, RegExp, number][] = [
    [{ kind: "status", status: 401 }, /answered 401\. Check JUDGE_API_KEY\.$/, 4],
    [{ kind: "status", status: 404 }, /answered 404\. Check JUDGE_BASE_URL and JUDGE_MODEL\.$/, 4],
    [
      { kind: "status", status: 307, headers: { Location: "http://127.0.0.1:9/other?key=1" } },
      /sends to another address, http:\/\/127\.0\.0\.1:9\. Set JUDGE_BASE_URL to it\.$/,
      4,
    ],
    [
      { kind: "status", status: 429, headers: { "Retry-After": "86400" } },
      /answered 429 and asks to wait 86400 s\. What was answered is kept; run again then\.$/,
      4,
    ],
    [
      { kind: "status", status: 500 },
      /^3 requests to the judge failed one after another; the last one, item \d: answered 500; asked 2 times/,
      16,
    ],
  ];
  for (const [mishap, message, most] of stops) {
    await using scratch = await ScratchFolder.make();
    await using judge = new FakeJudge(echo, () => mishap);
    const pace = { failuresInARow: 3, attempts: 2 };
    await assert.rejects(askAll(numbered(40), asking(scratch.path, judge, { pace })), {
      name: "ExpectedError",
      message,
    });
    assert(judge.seen.length <= most, `${judge.seen.length} requests`);
  }
});

Deno.test("the estimate is told before the first call, and a budget that it exceeds asks nothing", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo);
  const prices = { input: 10, output: 30 };
  const told: unknown[] = [];
  const run = (budget: { calls: number | null; dollars: number | null }) =>
    askAll(numbered(10), {
      ...asking(scratch.path, judge),
      prices,
      budget,
      onEstimate: (estimate) => told.push([estimate, judge.seen.length]),
    });
  // Four letters, a space and a digit are 3 tokens: 10 · (3 · 10 + 50 · 30) / 1e6 = 0.0153.
  await assert.rejects(run({ calls: null, dollars: 0.015 }), {
    name: "ExpectedError",
    message: "Expected to spend at most $0.015 on the judge, the budget, but the estimate is " +
      "10 calls, at most about 30 prompt and 500 answer tokens, $0.0153. Nothing was asked.",
  });
  await assert.rejects(run({ calls: 9, dollars: null }), {
    message:
      "Expected at most 9 calls to the judge, the budget, but 10 are needed. Nothing was asked.",
  });
  assert.equal(judge.seen.length, 0);
  await run({ calls: 10, dollars: 0.0153 });
  const estimate = { calls: 10, promptTokens: 30, completionTokens: 500, dollars: 0.0153 };
  assert.deepEqual(told, [[estimate, 0], [estimate, 0], [estimate, 0]]);
});

Deno.test("a run stops within its budget of calls and of money, with what was answered kept", async () => {
  await using scratch = await ScratchFolder.make();
  await using failing = new FakeJudge(echo, (_, before) => {
    return before === 0 ? { kind: "status", status: 500 } : null;
  });
  const calls = { budget: { calls: 12, dollars: null } };
  await assert.rejects(askAll(numbered(10), asking(scratch.path, failing, calls)), {
    message: "The budget of 12 calls to the judge is used up. What was answered is kept.",
  });
  assert.equal(failing.seen.length, 12);
  const answered = failing.answers().size;
  await askAll(numbered(10), asking(scratch.path, failing));
  assert.equal(failing.answers().size, 10);
  assert([...failing.answers().values()].every((count) => count === 1));
  assert(answered > 0 && answered < 10, `${answered}`);

  await using second = await ScratchFolder.make();
  // Each call costs 100 · 1000 / 1e6 = $0.1 by the endpoint's count, though 2 tokens were foreseen.
  await using dear = new FakeJudge(echo);
  const money = { prices: { input: 1000, output: 0 }, budget: { calls: null, dollars: 0.35 } };
  const seen: AskProgress[] = [];
  const onProgress = (progress: AskProgress) => seen.push(progress);
  const options = { ...money, onProgress, pace: { concurrency: 1 } };
  await assert.rejects(askAll(numbered(10), asking(second.path, dear, options)), {
    message: /does not cover another call: \$0\.40 is spent\. What was answered is kept\.$/,
  });
  assert.equal(dear.seen.length, 4);
  assert.deepEqual(seen.at(-1), {
    ...{ done: 4, total: 10, failed: 0, calls: 4, dollars: 0.4 },
    isAtMost: false,
  });
});

Deno.test("offline, what is not kept is named", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo);
  await askAll(numbered(2), asking(scratch.path, judge));
  const [, , third] = numbered(3);
  await assert.rejects(askAll(numbered(14), asking(scratch.path, null)), (error: Error) => {
    assert.equal(error.name, "ExpectedError");
    const [first, second, ...more] = error.message.split("\n");
    assert.match(
      first,
      /since nothing can be asked \(offline, or without JUDGE_BASE_URL\), but 12 of 14 are missing:$/,
    );
    assert.equal(second, `  item 2 (${third.digest.slice(0, 12)})`);
    assert.equal(more.length, 10);
    assert.equal(more.at(-1), "  and 2 more");
    return true;
  });
});

Deno.test("when the signal aborts, what is under way is kept and nothing else begins", async () => {
  await using scratch = await ScratchFolder.make();
  const stop = new AbortController();
  await using judge = new FakeJudge(echo, () => {
    if (judge.seen.length === 6) stop.abort();
    return { kind: "slow", milliseconds: 50 };
  });
  const options = asking(scratch.path, judge, { signal: stop.signal });
  await assert.rejects(askAll(numbered(20), options), { name: "AbortError" });
  const begun = judge.seen.length;
  assert(begun <= 8, `${begun} begun`);
  await askAll(numbered(20), asking(scratch.path, judge));
  assert.equal(judge.seen.length, 20, "none of them is asked twice");
});

Deno.test("a request's digest has the body, the order and the seed in it, and no label", () => {
  const base = {
    model: "m",
    messages: [],
    sampling: SAMPLING,
    seed: 1,
    swapped: false,
    label: "a",
  };
  const { digest } = makeRequest(base);
  assert.equal(makeRequest({ ...base, label: "b" }).digest, digest);
  const others = [
    { ...base, swapped: true },
    { ...base, seed: 2 },
    { ...base, seed: null },
    { ...base, model: "n" },
    { ...base, sampling: { ...SAMPLING, temperature: 1 } },
    { ...base, sampling: { ...SAMPLING, maxTokensField: "max_completion_tokens" as const } },
    { ...base, sampling: { ...SAMPLING, topLogprobs: 5 } },
  ].map((request) => makeRequest(request).digest);
  assert.equal(new Set([digest, ...others]).size, 8);
});

Deno.test("kept answers: the key is in none; a damaged or foreign file is refused by name", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(echo);
  const [request, other] = numbered(2);
  await askAll([request, other], asking(scratch.path, judge));
  const pathOf = ({ digest }: { digest: string }) =>
    `${scratch.path}/kept/${digest.slice(0, 2)}/${digest}.json`;
  const text = await Deno.readTextFile(pathOf(request));
  assert.ok(!text.includes("sk-") && !text.includes(judge.baseUrl));
  assert.deepEqual(JSON.parse(text).request, { body: request.body, swapped: false });
  assert.deepEqual([...Deno.readDirSync(`${scratch.path}/tmp`)], []);
  const refused = async (content: string, found: string) => {
    await Deno.writeTextFile(pathOf(request), content);
    await assert.rejects(askAll([request], asking(scratch.path, null)), {
      name: "InputError",
      message: `${pathOf(request)}: Expected a kept judgment of this request but found ${found}. ` +
        "Remove the file to ask again.",
    });
  };
  await refused(text.slice(0, 40), "text that is no JSON");
  await refused("{}", "other fields");
  await refused(await Deno.readTextFile(pathOf(other)), "another one");
});
