import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { assertFits, browserTest, openPage } from "../browser.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { promptsFixture, writePage } from "./pages.ts";

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core finds of serious and critical impact, in a few words each. */
async function seriousFindings(page: Page): Promise<string[]> {
  const source = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(await Deno.readTextFile(source));
  const { violations } = await page.evaluate("axe.run()") as { violations: readonly Violation[] };
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, help, nodes }) =>
      nodes.slice(0, 3).map(({ html, failureSummary }) =>
        `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`
      )
    );
}

for (
  const [name, options] of Object.entries({
    "a desktop": {},
    "a phone": { viewport: { width: 390, height: 844 } },
    "dark mode": { colorScheme: "dark" as const },
  })
) {
  browserTest(
    `on ${name} axe-core finds nothing serious, the dialog and a row open as well`,
    async (browser) => {
      await using scratch = await ScratchFolder.make();
      const address = await writePage(scratch.path, { prompts: promptsFixture(30) });
      const { page, problems } = await openPage(browser, address, { ...options, bypassCSP: true });
      await page.locator("#prompts").scrollIntoViewIfNeeded();
      await page.locator("#prompts-list details").nth(24).waitFor();
      for (const details of await page.locator("main details:not(.row)").all()) {
        await details.evaluate("(element) => { element.open = true; }");
      }
      await assertFits(page);
      assert.deepEqual(await seriousFindings(page), []);
      await page.locator("#table-results tbody button").nth(1).click();
      await page.locator("dialog summary").nth(2).click();
      assert.deepEqual(await seriousFindings(page), []);
      assert.deepEqual(problems, []);
    },
  );
}
