import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertFits, browserTest, openPage } from "../browser.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { hostileReport, hostileRun } from "./hostile_report.ts";
import { injections } from "./injection_corpus.ts";
import { promptsFixture, writePage } from "./pages.ts";

const PHONE = { viewport: { width: 390, height: 844 } };

/** Milliseconds from the request of a page to its first content on the screen. */
const FIRST_PAINT = `new Promise((resolve) =>
  new PerformanceObserver((list) => {
    const [entry] = list.getEntriesByName("first-contentful-paint");
    if (entry !== undefined) resolve(entry.startTime);
  }).observe({ type: "paint", buffered: true })
)`;

const column = (page: Page, table: string, at: number) =>
  page.locator(`#table-${table} tbody tr :nth-child(${at})`).allInnerTexts();

browserTest("the report's page sorts by a column, down, up and back", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const { page, problems } = await openPage(browser, await writePage(scratch.path));
  const original = await column(page, "results", 2);
  const heading = page.locator("#table-results thead tr:last-child th").nth(1);
  const numbers = async () => (await column(page, "results", 2)).map(parseFloat);
  await heading.getByRole("button").click();
  assert.equal(await heading.getAttribute("aria-sort"), "descending");
  const down = await numbers();
  assert.deepEqual(down, down.toSorted((a, b) => b - a));
  assert.notDeepEqual(down, original.map(parseFloat));
  await heading.getByRole("button").press("Enter");
  const up = await numbers();
  assert.deepEqual(up, up.toSorted((a, b) => a - b));
  await heading.getByRole("button").click();
  assert.deepEqual(await column(page, "results", 2), original);
  assert.equal(await heading.getAttribute("aria-sort"), null);
  assert.deepEqual(problems, []);
});

browserTest("a number opens where it comes from, by click and by keyboard", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const { page, problems } = await openPage(browser, await writePage(scratch.path));
  const row = page.locator("#table-results tbody tr").nth(2);
  await row.getByRole("button").nth(1).click();
  const dialog = page.getByRole("dialog");
  assert.match(await dialog.innerText(), /Where 0\.660 ± .* comes from\s+DPO, Gold reward\./);
  assert.match(await dialog.innerText(), /ballast show tiny\/report dpo gold\n/);
  const kinds = await dialog.getByRole("heading", { level: 3 }).allInnerTexts();
  assert.deepEqual(kinds, [
    "Report",
    "Scores and comparisons",
    "Judgments and measurements",
    "Weights",
    "Tokens",
    "Data",
  ]);
  await dialog.getByText("train/dpo@seed=0").click();
  assert.match(await dialog.innerText(), /Key\nkey of train\/dpo@seed=0/);
  await page.keyboard.press("Escape");
  assert.equal(await dialog.count(), 0);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.match(await dialog.innerText(), /DPO, stopped, Win rate over Ref\./);
  await dialog.getByRole("button", { name: "Close" }).click();
  const stops = await page.locator("#table-results tbody button[tabindex='0']").count();
  assert.equal(stops, 1, "a table is one stop of the Tab key");
  assert.deepEqual(problems, []);
});

browserTest(
  "prompts are filtered by category, outcome, disagreement and words",
  async (browser) => {
    await using scratch = await ScratchFolder.make();
    const address = await writePage(scratch.path, { prompts: promptsFixture(60) });
    const { page, problems } = await openPage(browser, address);
    await page.locator("#prompts").scrollIntoViewIfNeeded();
    const status = page.locator("#prompts-shown");
    await status.filter({ hasText: /./ }).waitFor();
    assert.equal(await status.innerText(), "1–25 of 62.");
    await page.getByLabel("Category").selectOption("coding");
    assert.equal(await status.innerText(), "1–20 of 20, of 62 in all.");
    await page.getByLabel("Category").selectOption("");
    await page.getByLabel("Outcome").selectOption({ label: "Verdicts disagree" });
    const disagreeing = promptsFixture(60).filter(({ verdicts }) =>
      verdicts!.every(({ value }) => value !== null) && verdicts![0].value !== verdicts![1].value
    );
    assert.equal(
      await status.innerText(),
      `1–${disagreeing.length} of ${disagreeing.length}, of 62 in all.`,
    );
    const first = page.locator("#prompts-list details").first();
    const shown = await first.innerText();
    assert.ok(shown.includes(disagreeing[0].prompt));
    for (const { text } of disagreeing[0].replies) assert.ok(shown.includes(text));
    assert.deepEqual(await first.locator(".verdicts tbody tr").allInnerTexts(), [
      "some-judge\tDPO\tDPO better",
      "some-judge\tRPO sum\tRPO sum better",
    ]);
    await page.getByLabel("Outcome").selectOption({ label: "RPO sum better" });
    const right = await page.locator("#prompts-list summary").allInnerTexts();
    assert.ok(right.length > 0 && right.every((text) => text.includes("RPO sum better")));
    await page.getByLabel("Outcome").selectOption({ label: "All" });
    await page.getByLabel("Words").fill("NUMBER 41:");
    await status.filter({ hasText: /^1–1 of 1,/ }).waitFor();
    await page.getByLabel("Words").fill("nothing has these words");
    await status.filter({ hasText: /^No prompt fits/ }).waitFor();
    await page.getByLabel("Words").fill("");
    await status.filter({ hasText: /^1–25 of 62\./ }).waitFor();
    await page.getByRole("button", { name: "Next" }).press("Enter");
    assert.equal(await status.innerText(), "26–50 of 62.");
    await page.getByLabel("Left").selectOption({ label: "Ref" });
    assert.equal(await status.innerText(), "1–25 of 62.");
    assert.deepEqual(problems, []);
  },
);

browserTest(
  "ten thousand judged prompts: first paint within 2 s, a filter within 1 s",
  async (browser) => {
    await using scratch = await ScratchFolder.make();
    const address = await writePage(scratch.path, { prompts: promptsFixture(10_000, 150) });
    const paints: number[] = [];
    // The machine may be busy; a page that is slow by itself is so every time.
    for (let attempt = 0; attempt < 3 && !paints.some((paint) => paint <= 2000); attempt++) {
      const { page } = await openPage(browser, address);
      paints.push(await page.evaluate(FIRST_PAINT) as number);
      await page.close();
    }
    assert.ok(Math.min(...paints) <= 2000, `first paint after ${paints} ms`);
    const { page, problems } = await openPage(browser, address);
    await page.locator("#prompts").scrollIntoViewIfNeeded();
    await page.locator("#prompts-list details").nth(24).waitFor();
    const spent = await page.evaluate(`(() => {
    const outcome = document.getElementById("prompts-outcome");
    const begun = performance.now();
    outcome.value = "disagree";
    outcome.dispatchEvent(new Event("change"));
    return performance.now() - begun;
  })()`) as number;
    assert.match(await page.locator("#prompts-shown").innerText(), /^1–25 of 2,8\d\d, of 10,002/);
    assert.ok(spent <= 1000, `the filter took ${spent} ms`);
    assert.deepEqual(problems, []);
  },
);

browserTest(
  "hostile texts anywhere run nothing, ask for nothing and leave the layout",
  async (browser) => {
    await using scratch = await ScratchFolder.make();
    for (const [name, text] of Object.entries(injections)) {
      const address = await writePage(scratch.path, hostileReport(text), hostileRun(text));
      const { page, problems } = await openPage(browser, address, PHONE);
      await page.locator("#prompts").scrollIntoViewIfNeeded();
      await page.locator("#prompts-list details").first().waitFor();
      await page.locator("#table-results tbody button").nth(1).click();
      for (const stage of await page.locator("dialog summary").all()) await stage.click();
      await assertFits(page);
      assert.deepEqual(problems, [], name);
      assert.equal(await page.locator("iframe, form, base, img").count(), 0, name);
      await page.close();
    }
  },
);
