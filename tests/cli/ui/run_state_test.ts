import assert from "node:assert/strict";
import { LIMITS, RunState } from "../../../cli/ui/run_state.ts";
import { type SeenEvent, seenEvent } from "../../../cli/ui/seen.ts";
import { FAILING_RUN } from "../../pipeline/reporters/fixture.ts";

function stateOf(events: readonly unknown[], ids: readonly string[] = []): RunState {
  const state = new RunState(ids);
  for (const event of events) state.receive(seenEvent.parse(event));
  return state;
}

Deno.test("RunState tells what became of each stage, in the plan's order", () => {
  const ids = ["train/dpo@seed=1", "never", "train/sft@seed=1"];
  const state = stateOf(FAILING_RUN, ids);
  assert.deepEqual(state.stages.map(({ id, standing, seconds }) => [id, standing, seconds]), [
    ["train/dpo@seed=1", "ran", 11.9],
    ["never", "waiting", null],
    ["train/sft@seed=1", "failed", 3.9],
    ["world@seed=1", "cached", null],
    ["initialize@seed=1", "cached", null],
    ["compare", "skipped", null],
  ]);
  assert.equal(state.stages[2].why, "Expected a finite loss\nbut found NaN.");
  assert.equal(state.stages[5].why, "it needs train/sft@seed=1");
  assert.equal(state.outcome?.status, "failed");
  assert.deepEqual(state.log.map(({ level }) => level), ["warning", "info"]);
});

Deno.test("RunState foresees the time left as the terminal does: by estimate and by progress", () => {
  const upTo = FAILING_RUN.findIndex(({ time }) => time === 1_004_000);
  const state = stateOf(FAILING_RUN.slice(0, upTo));
  const now = 1_003_000;
  const share = (90 / 480) / 3;
  assert.ok(Math.abs(state.share - share) < 1e-12);
  const expected = (1 - share) * 97 + share * (3 * (1 - share) / share);
  assert.ok(Math.abs(state.secondsLeft(now)! - expected) < 1e-9);
  assert.equal(stateOf(FAILING_RUN).secondsLeft(now), null, "nothing is left of a run that ended");
});

Deno.test("a stage that turned out to be cached is not waited for", () => {
  const state = stateOf([
    { time: 0, type: "run-started", cached: 1, todo: 2, estimateSeconds: null },
    { time: 0, type: "stage-cached", id: "a" },
    { time: 1, type: "stage-finished", id: "b", seconds: 1 },
    { time: 1, type: "stage-cached", id: "c" },
  ]);
  assert.deepEqual([state.todo, state.share], [1, 1]);
});

Deno.test("RunState stays bounded, however many stages, lines and steps a log has", () => {
  const long = "x".repeat(1 << 16);
  const state = new RunState([]);
  const feed = (event: SeenEvent) => state.receive(event);
  for (let i = 0; i < 20_000; i++) {
    const id = `stage ${i}`;
    feed({ time: i, type: "stage-started", id });
    feed({ time: i, type: "stage-log", id, level: "info", message: long });
    feed({ time: i, type: "stage-step", id, figures: { step: i, loss: 1 } });
    feed({ time: i, type: "stage-failed", id, seconds: 1, error: long });
  }
  assert.deepEqual(
    [state.stages.length, state.log.length, state.curves.size],
    [LIMITS.stages, LIMITS.logLines, LIMITS.curves],
  );
  const longest = LIMITS.characters + 2;
  assert.ok(state.stages.every(({ why }) => why.length <= longest));
  assert.ok(state.log.every(({ message }) => message.length <= longest));
});
