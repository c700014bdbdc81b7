import assert from "node:assert/strict";
import { askAll, type AskProgress } from "../../../eval/judge/ask_all.ts";
import { estimateCost } from "../../../eval/judge/cost.ts";
import { OpenAiEndpoint, Transient } from "../../../eval/judge/endpoint.ts";
import { Ledger, Spending } from "../../../eval/judge/spending.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { asking, numbered } from "./asking.ts";
import { FakeJudge, type Mishap } from "./fake_judge.ts";

const PRICES = { input: 1000, output: 100 };
/** What is set aside for a request, `item 0`: (2 + 1) · 1000 + 50 · 100 millionths. */
const MOST = 0.008;
/** What the fake judge counts for an answer: 100 · 1000 + 10 · 100 millionths. */
const ANSWERED = 0.101;
const FREE = { calls: null, dollars: null };

/** Asks one request that meets a mishap once, and is answered then; gives what it cost. */
async function spentAfter(mishap: Mishap): Promise<Pick<AskProgress, "dollars" | "isAtMost">> {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(() => "yes", (_, before) => before === 0 ? mishap : null);
  let last: AskProgress | undefined;
  await askAll(numbered(1), {
    ...asking(scratch.path, judge, { timeout: 400 }),
    prices: PRICES,
    onProgress: (progress) => last = progress,
  });
  const { dollars, isAtMost, calls } = last!;
  assert.equal(calls, 2);
  return { dollars: dollars! - ANSWERED, isAtMost };
}

const MAY_BE_BILLED: Readonly<Record<string, Mishap>> = {
  "a cut answer": { kind: "cut" },
  "an answer that stops midway": { kind: "trickle" },
  "no answer in time": { kind: "silent" },
  "an answer that is no completion": { kind: "nonsense" },
  "a gateway that gave up": { kind: "status", status: 504 },
};
const NEVER_BILLED: Readonly<Record<string, Mishap>> = {
  "a busy judge": { kind: "status", status: 429 },
  "an overloaded one": { kind: "status", status: 503 },
};

for (const [name, mishap] of Object.entries(MAY_BE_BILLED)) {
  Deno.test(`${name} may be billed, and counts as the most that it may cost`, async () => {
    const { dollars, isAtMost } = await spentAfter(mishap);
    assert(Math.abs(dollars! - MOST) < 1e-12, `${dollars}`);
    assert.equal(isAtMost, true);
  });
}

for (const [name, mishap] of Object.entries(NEVER_BILLED)) {
  Deno.test(`${name} costs nothing`, async () => {
    const { dollars, isAtMost } = await spentAfter(mishap);
    assert(Math.abs(dollars!) < 1e-12, `${dollars}`);
    assert.equal(isAtMost, false);
  });
}

Deno.test("cut answers use a budget in money up, and the message says that it may be less", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(() => "yes", () => ({ kind: "cut" }));
  const options = asking(scratch.path, judge, { pace: { concurrency: 1, attempts: 6 } });
  // Each cut answer takes $0.008: the third would come to $0.024.
  await assert.rejects(
    askAll(numbered(1), { ...options, prices: PRICES, budget: { calls: null, dollars: 0.02 } }),
    {
      name: "ExpectedError",
      message: "The budget of $0.02 for the judge does not cover another call: " +
        "at most $0.0160 is spent. What was answered is kept.",
    },
  );
  assert.equal(judge.seen.length, 2);
});

/** What asking throws where a connection is made, and then: */
async function brokenOff(act: (connection: Deno.Conn) => Promise<void>): Promise<unknown> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    for await (const connection of listener) {
      await act(connection).finally(() => connection.close());
    }
  })();
  const baseUrl = `http://127.0.0.1:${listener.addr.port}/v1`;
  try {
    return await ask(baseUrl);
  } finally {
    listener.close();
    await served;
  }
}

async function ask(baseUrl: string): Promise<unknown> {
  const endpoint = new OpenAiEndpoint({ baseUrl, apiKey: null, timeout: 5000, now: Date.now });
  return await endpoint.ask(numbered(1)[0]).catch((error) => error);
}

Deno.test("a connection that breaks off once the request is sent may be billed; one that never came is not", async () => {
  const read = (connection: Deno.Conn) => connection.read(new Uint8Array(65_536));
  const write = (connection: Deno.Conn, text: string) =>
    connection.write(new TextEncoder().encode(text));
  const broken = [
    await brokenOff(async (connection) => void await read(connection)),
    await brokenOff(async (connection) => {
      await read(connection);
      await write(connection, "HTTP/1.1 200 OK\r\nContent-Len");
    }),
    await brokenOff(async (connection) => {
      await read(connection);
      await write(connection, 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"id":');
    }),
  ];
  for (const error of broken) {
    assert(error instanceof Transient);
    assert.match(
      error.message,
      /^closed the connection before it answered$|^cut its answer short$/,
    );
    assert.equal(error.isBilled, true, error.message);
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const unsent = [await ask(`http://127.0.0.1:${port}/v1`)];
  for (const error of unsent) {
    assert(error instanceof Transient);
    assert.equal(error.message, "could not be reached (connection refused)");
    assert.equal(error.isBilled, false);
  }
});

Deno.test("a run's judges share its budget, and what a killed one had under way counts at its most", async () => {
  await using scratch = await ScratchFolder.make();
  const path = `${scratch.path}/0001.ndjson`;
  const [request] = numbered(1);
  const first = new Spending(FREE, PRICES, new Ledger(path));
  first.reserve(request)({ promptTokens: 1, completionTokens: 10 }); // $0.002
  first.reserve(request)("nothing");
  first.reserve(request); // killed before it was settled
  await Deno.writeTextFile(path, '{"settled":2,"dol', { append: true });

  const second = new Spending({ calls: 4, dollars: null }, PRICES, new Ledger(path));
  assert.deepEqual(second.all, { calls: 3, dollars: 0.002 + MOST, isAtMost: true });
  assert.deepEqual(second.own, { calls: 0, dollars: 0, isAtMost: false });
  second.reserve(request)({ promptTokens: 1, completionTokens: 0 }); // $0.001
  assert.throws(() => second.reserve(request), /^ExpectedError: The budget of 4 calls/);

  const third = new Spending({ calls: null, dollars: 0.0169 }, PRICES, new Ledger(path));
  assert.equal(third.all.calls, 4);
  assert(Math.abs(third.all.dollars - 0.003 - MOST) < 1e-12, `${third.all.dollars}`);
  assert.throws(() => third.reserve(request), /at most \$0\.01\d* is spent/);
});

Deno.test("what the run has spent is told before the first call, and leaves less of the budget", async () => {
  await using scratch = await ScratchFolder.make();
  await using judge = new FakeJudge(() => "yes");
  const path = `${scratch.path}/0001.ndjson`;
  const run = (count: number, from: number) =>
    askAll(numbered(from + count).slice(from), {
      ...asking(scratch.path, judge),
      prices: PRICES,
      budget: { calls: 5, dollars: 0.31 },
      ledger: new Ledger(path),
    });
  assert.equal(estimateCost(numbered(1), PRICES).dollars, MOST);
  await run(3, 0);
  await assert.rejects(run(3, 3), {
    message: "Expected at most 5 calls to the judge, the budget, but 3 are needed, " +
      "and this run has made 3 for $0.30. Nothing was asked.",
  });
  await assert.rejects(run(2, 3), {
    message:
      "Expected to spend at most $0.31 on the judge, the budget, but the estimate is 2 calls, " +
      "at most about 6 prompt and 100 answer tokens, $0.0160, and this run has made 3 for $0.30. " +
      "Nothing was asked.",
  });
  assert.equal(judge.seen.length, 3);
});

Deno.test("what waited for a busy server begins again one after another", async () => {
  await using scratch = await ScratchFolder.make();
  const busy: Mishap = { kind: "status", status: 429, headers: { "retry-after-ms": "200" } };
  await using judge = new FakeJudge(() => "yes", (_, before) => before === 0 ? busy : null);
  let drawn = 0;
  await askAll(
    numbered(4),
    asking(scratch.path, judge, {
      pace: { spread: 400, firstWait: 1 },
      jitter: () => (drawn++ % 4) / 4,
    }),
  );
  const again = judge.seen.slice(4).map(({ at }) => at - judge.seen[3].at).sort((a, b) => a - b);
  assert.equal(again.length, 4);
  // All four are refused at about the same time; they come back 0, 100, 200 and 300 ms after the wait.
  assert(again[3] - again[0] >= 250, `${again}`);
  assert(again[2] - again[0] >= 150, `${again}`);
});
