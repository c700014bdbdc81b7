import assert from "node:assert/strict";
import { EventStreams, type Look } from "../../../cli/ui/event_streams.ts";
import { html } from "../../../cli/ui/html.ts";

const OPTIONS = { most: 2, every: 1, quiet: 20, stopping: new AbortController().signal };

function request(signal?: AbortSignal): Request {
  return new Request("http://127.0.0.1/events", { signal });
}

async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("a stream sends every part once, then those that have changed, then its end", async () => {
  const looks: Look[] = [
    { parts: { a: html`<p>${"1\n"}</p>`, b: html`x` }, over: false },
    { parts: { a: html`<p>${"1\n"}</p>`, b: html`x` }, over: false },
    { parts: { a: html`<p>2</p>`, b: html`x` }, over: true },
  ];
  const streams = new EventStreams(OPTIONS);
  const answer = streams.answer(request(), () => Promise.resolve(looks.shift()!))!;
  assert.match(answer.headers.get("content-type")!, /^text\/event-stream/);
  assert.equal(
    await answer.text(),
    `data: {"part":"a","html":"<p>1\\n</p>"}\n\ndata: {"part":"b","html":"x"}\n\n` +
      `data: {"part":"a","html":"<p>2</p>"}\n\nevent: end\ndata: \n\n`,
  );
  assert.equal(streams.open, 0);
});

Deno.test("no more streams are opened than there may be; one that ends makes room", async () => {
  const streams = new EventStreams(OPTIONS);
  const look = () => Promise.resolve({ parts: {}, over: false });
  const hangUp = new AbortController();
  const first = streams.answer(request(), look)!;
  const second = streams.answer(request(hangUp.signal), look);
  assert.ok(second !== null && streams.open === 2);
  assert.equal(streams.answer(request(), look), null);
  hangUp.abort(); // before anything was read
  assert.equal(streams.open, 1);
  await first.body!.cancel();
  assert.equal(streams.open, 0);
});

Deno.test("a reader that takes nothing costs no look and no message", async () => {
  let looks = 0;
  const look = () => Promise.resolve({ parts: { a: html`${++looks}` }, over: false });
  const streams = new EventStreams(OPTIONS);
  const body = streams.answer(request(), look)!.body!;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(looks, 0);
  const reader = body.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(looks, 1, "what was taken is all that was made");
  await reader.cancel();
});

Deno.test("a stream without news says that it is there; stopping ends it", async () => {
  const stopping = new AbortController();
  const streams = new EventStreams({ ...OPTIONS, stopping: stopping.signal });
  const look = () => Promise.resolve({ parts: {}, over: false });
  const reader = streams.answer(request(), look)!.body!.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), ": nothing new\n\n");
  const next = reader.read();
  stopping.abort();
  assert.equal((await next).done, true);
  assert.equal(streams.open, 0);
});

Deno.test("a look that fails ends the stream and gives its place back", async () => {
  const streams = new EventStreams(OPTIONS);
  const look = () => Promise.reject(new Error("the run is gone"));
  await assert.rejects(streams.answer(request(), look)!.text(), /the run is gone/);
  await settled(() => streams.open === 0);
});
