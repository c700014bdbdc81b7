import assert from "node:assert/strict";
import { join } from "node:path";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { RunningBallast, startBallast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

/** Milliseconds within which a page must know. */
const PATIENCE = 5000;

Deno.test("kill -9: the pages of the newest run say killed within seconds, and the store is free", async () => {
  await using scratch = await ScratchFolder.make();
  const store = ["--store", join(scratch.path, "store")];
  const pages = startBallast(["ui", "--port", "0", "--json", ...store]);
  const lines = pages.stdout.pipeThrough(new TextLineStream()).getReader();
  const { address } = JSON.parse((await lines.read()).value!) as { address: string };
  const page = async (path: string) => await (await fetch(address + path)).text();
  const args = ["run", "reference", ...SMALL_TINY, "--set", "reference.epochs=100", ...store];
  {
    await using run = new RunningBallast(args);
    await run.event("stage-progress", ({ id }) => id === "reference@seed=0");
    assert.match(await page("runs/0001"), /class="running">Running</);
    assert.match(await page(""), /<td class="state running">running</);
    const stream = await fetch(`${address}runs/0001/events`);
    const heard = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    run.kill("SIGKILL");
    const killed = Date.now();
    for (let told = ""; !/class=\\?"killed\\?">Killed/.test(told);) {
      told += (await heard.read()).value ?? assert.fail(told);
    }
    const waited = Date.now() - killed;
    assert.ok(waited < PATIENCE, `the page heard of it after ${waited} ms`);
    await heard.cancel();
  }
  assert.match(await page("runs/0001"), /class="killed">Killed</);
  assert.match(await page(""), /<td class="state killed">killed</);
  {
    await using next = new RunningBallast(args);
    await next.event("stage-progress", ({ id }) => id === "reference@seed=0");
    assert.match(await page("runs/0002"), /class="running">Running</);
  }
  pages.kill("SIGTERM");
  await Promise.all([pages.status, new Response(pages.stderr).text(), lines.cancel()]);
});
