import assert from "node:assert/strict";
import { join } from "node:path";
import { publishReports } from "../../cli/publish_reports.ts";
import { readProvenance } from "../../cli/published.ts";
import type { CodeIndex } from "../../pipeline/code_digest.ts";
import type { Instance } from "../../pipeline/instance.ts";
import type { RunResult } from "../../pipeline/run.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import type { Store } from "../../pipeline/store/store.ts";
import report from "../../stages/report.ts";
import { commitFiles, keyRecord, withStore } from "../pipeline/store/fixture.ts";
import { reportFixture } from "../reports/report_fixture.ts";

/** Publishes what a run of some of the recipe's reports gave; returns the pages below the store. */
async function publish(store: Store, ids: readonly string[], finished: readonly string[]) {
  const records = new Map<string, KeyRecord>();
  for (const id of finished) {
    const files = { "report.json": JSON.stringify(reportFixture()), "table.txt": `${id}\n` };
    const digest = await commitFiles(store, id, files);
    const fields = { code: { modules: {}, packages: [] } };
    records.set(
      id,
      keyRecord(id, digest, { fields, outputs: { report: { type: "report", digest, bytes: 1 } } }),
    );
  }
  const result: RunResult = {
    run: "0001",
    status: "done",
    ran: finished,
    cached: [],
    failed: [],
    records,
    seconds: 1,
  };
  const instances = ids.map((id): Instance => ({
    id,
    entry: id,
    stage: report as Instance["stage"],
    axes: {},
    params: {},
    paths: {},
    modules: {},
    inputs: {},
    after: [],
  }));
  const memory = { get: () => undefined, set: () => {} };
  const context = { recipe: "toy", store, code: {} as CodeIndex, memory, machine: "" };
  const published = await publishReports(result, { context, instances, planned: [], command: [] });
  return published.map(({ page }) => page.slice(store.path.length + 1));
}

Deno.test("a recipe's only report is published under the recipe's name", () =>
  withStore(async (store) => {
    assert.deepEqual(await publish(store, ["report"], ["report"]), ["reports/toy/index.html"]);
    assert.deepEqual([...Deno.readDirSync(store.folder("tmp"))], []);
  }));

Deno.test("beside a page lies where its numbers come from", () =>
  withStore(async (store) => {
    await publish(store, ["report"], ["report"]);
    const { recipe, run, report, tables } = readProvenance(store, "toy");
    assert.deepEqual([recipe, run, report.instance], ["toy", "0001", "report"]);
    assert.deepEqual(tables, [], "its stages are not those of the fixture");
    assert.equal(readProvenance(store, "toy/report").recipe, "toy");
    assert.throws(() => readProvenance(store, "toyy"), /Did you mean "toy"\?/);
    assert.throws(() => readProvenance(store, "toy/other"), /\(toy\/report\) but found none/);
  }));

Deno.test("readProvenance() says what publishes a report where there is none", () =>
  withStore((store) => {
    assert.throws(() => readProvenance(store, "tiny"), /`deno task reproduce` with its --recipe/);
    return Promise.resolve();
  }));

Deno.test("no instance's name leads out of the recipe's folder", () =>
  withStore(async (store) => {
    const other = join(store.path, "reports", "other");
    await Deno.mkdir(other, { recursive: true });
    const pages = await publish(store, ["..", "a/b"], ["..", "a/b"]);
    assert.deepEqual(pages, ["reports/toy/%2E%2E/index.html", "reports/toy/a%2Fb/index.html"]);
    assert.ok(Deno.statSync(other).isDirectory);
  }));

Deno.test("a run that finishes one of two reports leaves the other's page in place", () =>
  withStore(async (store) => {
    const ids = ["first", "second"];
    const [first] = await publish(store, ids, ids);
    assert.deepEqual(await publish(store, ids, ["second"]), ["reports/toy/second/index.html"]);
    assert.ok(Deno.statSync(join(store.path, first)).isFile);
  }));
