import assert from "node:assert/strict";
import { EventStreams } from "../../../cli/ui/event_streams.ts";
import { handleRequest, type UiContext } from "../../../cli/ui/handle_request.ts";
import { OneAtATime } from "../../../cli/ui/one_at_a_time.ts";
import { RunWatcher } from "../../../cli/ui/run_watch.ts";
import type { ArtifactType } from "../../../pipeline/artifact.ts";
import { sha256 } from "../../../core/digest.ts";
import { visibleText } from "../../../core/visible_text.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { commitFiles, keyRecord, withStore } from "../../pipeline/store/fixture.ts";
import { injections } from "../../reports/injection_corpus.ts";
import { beginRun, fillWith, finishRun, startStage, takeSteps, tell } from "./store_fixture.ts";

/** Compares as files of text, and tells every text that it is given as it is. */
const echoing: ArtifactType = {
  name: "pairs",
  describe: "",
  digest: () => Promise.resolve(""),
  facts: () => Promise.resolve({}),
  compare: async (before, after) => [{
    path: "text",
    before: await Deno.readTextFile(`${before}/text`),
    after: await Deno.readTextFile(`${after}/text`),
  }],
};

function contextOf(store: Store): UiContext {
  const stopping = new AbortController().signal;
  return {
    store,
    watcher: new RunWatcher(store),
    streams: new EventStreams({ most: 1, every: 1, quiet: 1000, stopping }),
    comparisons: new OneAtATime(1),
    artifactTypes: new Map([["pairs", echoing]]),
    now: Date.now,
    onFault: (error) => {
      throw error;
    },
  };
}

async function get(context: UiContext, path: string): Promise<{ status: number; text: string }> {
  const url = `http://127.0.0.1:4870${path}`;
  const answer = await handleRequest(
    new Request(url, { headers: { host: "127.0.0.1:4870" } }),
    context,
  );
  const policy = answer.headers.get("content-security-policy")!;
  assert.match(policy, /default-src 'none'/, path);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/, path);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  return { status: answer.status, text: await answer.text() };
}

/** Tags of the page with their attributes, texts and scripts left out: what a text must not change. */
function tagsOf(page: string): string[] {
  const body = page.slice(page.indexOf("<main"), page.indexOf("</main>"));
  return [...body.matchAll(/<[/a-z][^<>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
}

for (const [name, text] of Object.entries(injections)) {
  Deno.test(`pages show the text "${name}" as it is, and are built as with a plain one`, () =>
    withStore(async (store) => {
      await fillWith(store, text);
      await withStore(async (plain) => {
        await fillWith(plain, "plain");
        const [hostile, harmless] = [contextOf(store), contextOf(plain)];
        for (const path of ["/", "/runs/0001", "/runs/0002", "/diff?a=1&b=2"]) {
          const [page, expected] = [await get(hostile, path), await get(harmless, path)];
          assert.equal(page.status, 200, path);
          assert.deepEqual(tagsOf(page.text), tagsOf(expected.text), path);
          const shown = visibleText(text.slice(0, 40), { keepLines: true });
          assert.ok(plainText(page.text).includes(shown), `${path} shows it`);
        }
      });
    }));
}

/** What a reader sees of the page. */
function plainText(page: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'" };
  return page.slice(page.indexOf("<main")).replace(/<[^<>]*>/g, "")
    .replace(/&([a-z]+|#39);/g, (_, name) => entities[name]);
}

/** The same as words in a row. */
function words(page: string): string {
  return plainText(page.slice(0, page.indexOf("</main>")).replaceAll("<", " <")).replace(
    /\s+/g,
    " ",
  );
}

Deno.test("a running run's page has progress, time left, curves, and what stages said", () =>
  withStore(async (store) => {
    const lock = await store.lock();
    const parameters = { "train/dpo@seed=0": {}, "train/dpo@seed=1": {}, report: {} };
    const run = await beginRun(store, { parameters });
    for (const id of Object.keys(parameters).slice(0, 2)) {
      startStage(run, id);
      takeSteps(run, id, { to: 8, loss: 0.5 });
    }
    const { text } = await get(contextOf(store), "/runs/0001");
    const seen = words(text);
    assert.match(seen, /Running : 0 of 3 stages done, 0 cached\. .* so far, about .* left\./);
    assert.match(seen, /train\/dpo@seed=1 8\/16 steps/);
    assert.match(seen, /seed=0 0\.0625 at step 8/);
    assert.match(seen, /report waiting/);
    assert.equal(text.match(/<polyline class="line /g)!.length, 2);
    const margins = await get(contextOf(store), "/runs/0001?figure=margin");
    assert.match(plainText(margins.text), /seed=1 0\.8 at step 8/);
    lock.release();
    await run.finish({ status: "interrupted", finishedAt: "", seconds: 1, instances: [] });
  }));

Deno.test("a run that goes on under no process is called killed, the newest as well", () =>
  withStore(async (store) => {
    const lock = await store.lock();
    const parameters = { a: {} };
    const first = await beginRun(store, { parameters });
    startStage(first, "a");
    const context = contextOf(store);
    assert.match(plainText((await get(context, "/runs/0001")).text), /Running: 0 of 1/);
    const second = await beginRun(store, { parameters });
    const seen = words((await get(context, "/runs/0001")).text);
    assert.match(seen, /Killed : 0 stages ran/);
    assert.match(seen, / a stopped/);
    const list = words((await get(context, "/")).text);
    assert.match(list, /0002 tiny running .* 0001 tiny killed/);
    lock.release();
    assert.match(words((await get(context, "/")).text), /0002 tiny killed .* 0001 tiny killed/);
    for (const run of [first, second]) {
      await run.finish({ status: "failed", finishedAt: "", seconds: 1, instances: [] });
    }
  }));

Deno.test("two runs side by side: parameters, key fields, contents, loss", () =>
  withStore(async (store) => {
    for (const [i, beta] of [0.1, 0.2].entries()) {
      const run = await beginRun(store, { parameters: { "train/dpo": { beta } } });
      startStage(run, "train/dpo");
      takeSteps(run, "train/dpo", { to: 4, loss: 1 + i });
      const digest = await commitFiles(store, `model ${i}`, { text: `weights ${i}` });
      const key = sha256(`key ${i}`);
      await store.commitKey(keyRecord("train/dpo", digest, { key, fields: { params: { beta } } }));
      await finishRun(run, { "train/dpo": { key, digest } });
    }
    const { text } = await get(contextOf(store), "/diff");
    const seen = words(text);
    assert.match(seen, /Run 0001 beside run 0002/);
    assert.match(seen, /train\/dpo\.beta 0\.1 0\.2/);
    assert.match(seen, /params\.beta 0\.1 0\.2/);
    assert.match(seen, /Output out \(pairs\) .* text weights 0 weights 1/);
    assert.match(seen, /0001 0\.25 at step 4.*0002 0\.5 at step 4/);
    const same = await get(contextOf(store), "/diff?a=1&b=0001");
    assert.match(plainText(same.text), /Equal: 1 stage, all the same\./);
  }));

Deno.test("what does not exist, or is asked wrongly, is told on a page", () =>
  withStore(async (store) => {
    const context = contextOf(store);
    assert.match(plainText((await get(context, "/")).text), /No runs yet\./);
    const cases: [string, number, RegExp][] = [
      ["/nothing", 404, /no such page/],
      ["/runs/0009", 404, /no run 0009/],
      ["/runs/0009/events", 404, /no run 0009/],
      ["/runs/../format.json", 404, /no such page/],
      ["/reports/", 404, /no such file/],
      ["/reports/..%2fformat.json", 404, /no such file/],
      ["/diff", 404, /holds no runs yet/],
      ["/diff?tolerance=-1", 400, /at least 0 but found -1/],
      ["/diff?tolerance=x", 400, /at least 0 but found x/],
    ];
    for (const [path, status, message] of cases) {
      const answer = await get(context, path);
      assert.equal(answer.status, status, path);
      assert.match(plainText(answer.text), message);
    }
    const run = await beginRun(store);
    await run.finish({ status: "done", finishedAt: "", seconds: 1, instances: [] });
    const wrong = await get(context, "/runs/0001?figure=los");
    assert.deepEqual([wrong.status, /but found los\./.test(wrong.text)], [400, true]);
    await Deno.writeTextFile(`${store.path}/runs/0002.json`, `{"run": "0002", "recipe": "x"}`);
    assert.equal((await get(context, "/runs/0002")).status, 404);
    assert.match(plainText((await get(context, "/")).text), /0001/, "others are listed");
    assert.equal((await get(context, "/diff?a=1&b=2")).status, 404);
  }));

Deno.test("events of other forms are passed over, and comparisons do not pile up", () =>
  withStore(async (store) => {
    const run = await beginRun(store, { parameters: { a: {} } });
    const lines = [`{"type":"stage-failed"}`, `{"type":"new","time":1}`, `{"time":"x"}`, `[]`, `{`];
    await Deno.writeTextFile(`${store.path}/runs/0001.events.ndjson`, `${lines.join("\n")}\n`, {
      append: true,
    });
    tell(run, { type: "stage-cached", id: "a", key: "" });
    await run.finish({ status: "done", finishedAt: "", seconds: 1, instances: [] });
    const context = contextOf(store);
    assert.match(plainText((await get(context, "/runs/0001")).text), /Done.*1 cached/);
    const answers = await Promise.all([1, 2, 3].map(() => get(context, "/diff?a=1&b=1")));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 503, 503]);
  }));
