import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { TextLineStream } from "../../../pipeline/text_lines.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { assertFits, browserTest } from "../../browser.ts";
import { RunningBallast, startBallast } from "../../end_to_end/ballast.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../../end_to_end/small_tiny.ts";
import { injections } from "../../reports/injection_corpus.ts";
import { fillWith } from "./store_fixture.ts";

/** Serves a store with `ballast ui` while `use` runs. */
async function whileServed(store: string, use: (address: string) => Promise<void>): Promise<void> {
  const child = startBallast(["ui", "--port", "0", "--json", "--store", store]);
  const lines = child.stdout.pipeThrough(new TextLineStream()).getReader();
  const stderr = new Response(child.stderr).text();
  try {
    await use(JSON.parse((await lines.read()).value!).address);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await lines.cancel();
  }
  assert.equal((await stderr).trim(), "Stopping.");
}

/** Opens a page that notes what none of ours does: errors, exceptions, dialogs, requests elsewhere. */
async function watchedPage(browser: Browser, address: string) {
  const problems: string[] = [];
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("dialog", async (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) problems.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, problems };
}

const run = (store: string, words: readonly string[]) =>
  new RunningBallast(["run", "train/dpo", ...SMALL_TINY, ...words, "--store", store]);

/** Waits for the part of the page with this id to match. */
async function partIs(page: Page, id: string, words: RegExp): Promise<void> {
  await page.locator(`#${id}`, { hasText: words }).waitFor({ timeout: 120_000 });
}

browserTest("a run is followed live to its end, and compared with another", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  await whileServed(store, async (address) => {
    const { page, problems } = await watchedPage(browser, address);
    await partIs(page, "runs", /No runs yet/);
    {
      await using first = run(store, []);
      await page.getByRole("link", { name: "0001" }).click({ timeout: 60_000 });
      await page.evaluate("window.sameLoad = true");
      await partIs(page, "standing", /Running: \d+ of \d+ stages done/);
      await partIs(page, "running", /@seed=0/);
      await page.locator("#curves polyline.line").first().waitFor({ timeout: 60_000 });
      await partIs(page, "standing", /Done in .* stages ran/);
      const { ran } = await first.event("run-finished");
      assert.match(await page.locator("#standing").innerText(), new RegExp(`: ${ran} stages ran`));
      assert.equal((await first.ended).code, 0);
    }
    assert.equal(await page.evaluate("window.sameLoad"), true, "without loading it anew");
    const charts = await page.locator("#curves .chart h3").allInnerTexts();
    assert.deepEqual(charts.toSorted(), ["reference", "train/dpo"]);
    assert.equal(
      await page.locator("#stages td.ran").count(),
      await page.locator("#stages tbody tr").count(),
    );
    await assertFits(page);
    await page.getByRole("link", { name: "Reward margin" }).click();
    assert.match(await page.locator("#curves").innerText(), /train\/dpo[^]*at step \d/);

    await using second = run(store, ["--set", "train.beta=0.5"]);
    await second.event("run-finished");
    await page.goto(address);
    await page.getByRole("link", { name: "with 0001" }).click();
    const beta = page.locator("tr", { hasText: "train/dpo@seed=0.beta" });
    assert.deepEqual(await beta.locator("td").allInnerTexts(), ["0.1", "0.5"]);
    const stages = await page.locator("details .name").allInnerTexts();
    assert.deepEqual(stages, ["train/dpo@seed=0"]);
    await page.locator("summary", { hasText: "train/dpo@seed=0" }).click();
    assert.match(await page.locator("details").innerText(), /params\.beta\s+0\.1\s+0\.5/);
    await assertFits(page);
    assert.deepEqual(problems, []);
  });
});

browserTest("hostile texts in a store do nothing in a browser", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const store = Store.open(scratch.path);
  for (const text of Object.values(injections)) await fillWith(store, text);
  await whileServed(store.path, async (address) => {
    const { page, problems } = await watchedPage(browser, address);
    const runs = store.listRuns();
    const diffs = runs.flatMap((id, i) => i % 2 === 1 ? [`diff?a=${runs[i - 1]}&b=${id}`] : []);
    for (const path of [...runs.map((id) => `runs/${id}`), ...diffs]) {
      await page.goto(address + path);
      await page.locator("h1").waitFor();
      for (const details of await page.locator("summary").all()) await details.click();
      await assertFits(page);
    }
    assert.deepEqual(problems, []);
  });
});

browserTest("a report runs its own script, and cannot read the other pages", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const page = join(scratch.path, "reports/tiny/index.html");
  await Deno.mkdir(dirname(page), { recursive: true });
  await Deno.writeTextFile(
    page,
    `<h1>tiny</h1><a href="#x">x</a><script>
    const told = (words) => document.body.dataset.told = words;
    fetch("/").then(() => told("read"), () => told("refused"));
    </script>`,
  );
  await whileServed(scratch.path, async (address) => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByRole("link", { name: "tiny" }).click();
    assert.equal(page.url(), `${address}reports/tiny/`);
    await page.locator("body[data-told=refused]").waitFor();
    assert.equal(await page.evaluate("origin"), "null");
  });
});
