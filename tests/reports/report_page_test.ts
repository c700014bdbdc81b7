import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertFits, browserTest, openPage } from "../browser.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { hostileReport, hostileRun } from "./hostile_report.ts";
import { injections } from "./injection_corpus.ts";
import { promptsFixture, writePage } from "./pages.ts";
import { reportFixture } from "./report_fixture.ts";

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
  "where no two verdicts are known of a prompt, none is said to disagree",
  async (browser) => {
    await using scratch = await ScratchFolder.make();
    const prompts = promptsFixture(30).map((record) => ({
      ...record,
      replies: [...record.replies, { system: "sft", text: "sft", score: null }],
      // One of this judge's on the first pair, of which order means nothing; of sft, both orders.
      verdicts: [
        { ...record.verdicts![0], swapped: null },
        ...record.verdicts!.map((verdict) => ({ ...verdict, systems: ["dpo", "sft"] })),
      ],
    }));
    const { page, problems } = await openPage(browser, await writePage(scratch.path, { prompts }));
    await page.locator("#prompts").scrollIntoViewIfNeeded();
    await page.locator("#prompts-list details").first().waitFor();
    const [outcome, note] = [page.getByLabel("Outcome"), page.locator("#prompts-once")];
    const choices = () => outcome.locator("option").allInnerTexts();
    const choose = (left: string, right: string) =>
      Promise.all([
        page.getByLabel("Left").selectOption({ label: left }),
        page.getByLabel("Right").selectOption({ label: right }),
      ]);
    await choose("DPO", "RPO sum");
    assert.ok(!(await choices()).includes("Verdicts disagree"));
    assert.ok(await note.isVisible());
    await choose("DPO", "SFT on chosen");
    assert.ok(!await note.isVisible());
    await outcome.selectOption({ label: "Verdicts disagree" });
    const [shown] = (await page.locator("#prompts-shown").innerText()).split(",");
    assert.equal(shown, "1–9 of 9");
    await choose("DPO", "RPO sum");
    assert.equal(await outcome.inputValue(), "all");
    await choose("SFT on chosen", "RPO sum");
    assert.ok(!await note.isVisible(), "systems that no judge compared");
    assert.deepEqual(problems, []);
  },
);

browserTest("long names and digests do not squeeze their neighbours", async (browser) => {
  await using scratch = await ScratchFolder.make();
  const digest = "0123456789abcdef".repeat(4);
  const { results } = reportFixture();
  const systems = results.systems.map((system) => ({
    ...system,
    label: `${system.label}_a_name_as_those_of_released_models_are`,
    origins: system.origins.map((origin) => ({ ...origin, digest })),
  }));
  const address = await writePage(scratch.path, { results: { ...results, systems } });
  for (const options of [{}, PHONE]) {
    const { page } = await openPage(browser, address, options);
    const rows = page.locator("section#making #origins ~ .scroll tbody tr");
    const heights = await rows.evaluateAll((all) => all.map(({ clientHeight }) => clientHeight));
    assert.ok(heights.length > 0 && Math.max(...heights) < 170, `rows of ${heights} pixels`);
    await page.close();
  }
});

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
