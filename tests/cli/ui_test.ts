import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { ballast, ballastJson, startBallast } from "../end_to_end/ballast.ts";
import { uiPermissions } from "../../cli/commands/ui.ts";
import { CODE_FOLDERS, PROJECT_FOLDER } from "../../cli/project.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

/** Puts a report where `reproduce` would. */
async function putReport(store: string, name: string, when: number): Promise<string> {
  const page = join(store, "reports", name, "index.html");
  await Deno.mkdir(dirname(page), { recursive: true });
  await Deno.writeTextFile(page, `<p>${name}</p>`);
  await Deno.utime(page, when, when);
  return page;
}

/** A folder with an `xdg-open` that notes what it is asked to open, and fails where told. */
async function fakeOpener(folder: string, code = 0): Promise<Record<string, string>> {
  const bin = join(folder, "bin");
  await Deno.mkdir(bin, { recursive: true });
  const script = `#!/bin/sh\nprintf '%s|' "$@" >> "${folder}/opened"\nexit ${code}\n`;
  await Deno.writeTextFile(join(bin, "xdg-open"), script, { mode: 0o755 });
  return { PATH: `${bin}:${Deno.env.get("PATH")}` };
}

const linuxOnly = { ignore: Deno.build.os !== "linux" };

Deno.test("report says that there is none yet, and how to make one", async () => {
  await using scratch = await ScratchFolder.make();
  const { code, stdout, stderr } = await ballast(["report", "--open", "--store", scratch.path]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /holds no report yet\. `deno task reproduce` makes one\./);
});

Deno.test("report prints the newest page, or the one that is named", async () => {
  await using scratch = await ScratchFolder.make();
  const store = ["--store", scratch.path];
  const tiny = await putReport(scratch.path, "tiny", 1000);
  const second = await putReport(scratch.path, "two/second", 2000);
  await putReport(scratch.path, "two/first", 500);
  const newest = await ballast(["report", ...store]);
  assert.deepEqual([newest.code, newest.stdout], [0, `${second}\n`]);
  assert.match(newest.stderr, /also tiny, two\/first/);
  assert.equal((await ballast(["report", "tiny", ...store])).stdout, `${tiny}\n`);
  assert.deepEqual(await ballastJson(["report", "two/second", ...store]), {
    name: "two/second",
    page: second,
  });
  const wrong = await ballast(["report", "tinny", ...store]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /\(two\/second, tiny, two\/first\) but found "tinny".*"tiny"\?/);
});

Deno.test({
  name: "report --open gives the page to the system's opener, as one argument",
  ...linuxOnly,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const store = join(scratch.path, "a store; $(touch x)");
    const page = await putReport(store, "tiny", 1000);
    const environment = await fakeOpener(scratch.path);
    const { code, stderr } = await ballast(["report", "--open", "--store", store], { environment });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(await Deno.readTextFile(join(scratch.path, "opened")), `${page}|`);
  },
});

Deno.test({
  name: "report --open says when nothing could be opened, and where the page is",
  ...linuxOnly,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const page = await putReport(scratch.path, "tiny", 1000);
    const args = ["report", "--open", "--store", scratch.path];
    const none = await ballast(args, { environment: { PATH: "/nonexistent" } });
    assert.deepEqual([none.code, none.stdout], [0, `${page}\n`]);
    assert.match(none.stderr, /not opened: there is no command xdg-open/);
    const failing = await ballast(args, { environment: await fakeOpener(scratch.path, 3) });
    assert.match(failing.stderr, /not opened: xdg-open ended with 3/);
  },
});

Deno.test("the pages' process may read code and store, listen on its port, and load DuckDB alone", () => {
  const permissions = uiPermissions({ store: "/s", port: 4870 });
  assert.equal(permissions.length, 4);
  const [read, sys, net, native] = permissions.map((one) => one.split("=")[1].split(","));
  const code = [...CODE_FOLDERS, "cli", "node_modules"].map((name) => join(PROJECT_FOLDER, name));
  assert.deepEqual(read, [...code, "/s"]);
  assert.deepEqual(sys, ["hostname"]);
  assert.deepEqual(net, ["127.0.0.1:4870"]);
  assert.ok(native.every((folder) => /\/@duckdb\+node-bindings[^/]*$/.test(folder)), `${native}`);
});

Deno.test({
  name: "ui serves a store that is not there yet, with its own permissions, until it is stopped",
  ...linuxOnly,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const store = join(scratch.path, "later");
    // Without NO_COLOR, as people have it: what asks for colours asks for more of the environment.
    const environment = { ...await fakeOpener(scratch.path), NO_COLOR: "" };
    const args = ["ui", "--port", "0", "--open", "--json", "--store", store];
    const child = startBallast(args, { environment });
    const lines = child.stdout.pipeThrough(new TextLineStream()).getReader();
    const { address } = JSON.parse((await lines.read()).value!) as { address: string };
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.match(await (await fetch(address)).text(), /No runs yet/);
    await putReport(store, "tiny", 1000);
    assert.match(await (await fetch(address)).text(), /href="\/reports\/tiny\/"/);
    const report = await fetch(`${address}reports/tiny`);
    assert.deepEqual([report.url, await report.text()], [`${address}reports/tiny/`, "<p>tiny</p>"]);
    const taken = await ballast(["ui", "--port", new URL(address).port, "--store", store]);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /^error: Port \d+ is in use\./);
    child.kill("SIGTERM");
    const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
    assert.equal(code, 130);
    assert.doesNotMatch(stderr, /\n +at /);
    assert.equal(await Deno.readTextFile(join(scratch.path, "opened")), `${address}|`);
    await assert.rejects(fetch(address), "nobody listens any more");
    await lines.cancel();
  },
});
