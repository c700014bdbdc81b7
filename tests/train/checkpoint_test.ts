import assert from "node:assert/strict";
import { ExpectedError } from "../../core/problem.ts";
import { CheckpointFolder, type TrainingState } from "../../train/checkpoint.ts";
import { writeSafetensors } from "../../train/models/safetensors.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { float32 } from "../../core/tensor.ts";

function state(step: number): TrainingState {
  const tensor = (value: number) =>
    new Map([["w", float32([2], Float32Array.of(value, step))], [
      "m/w",
      float32([], Float32Array.of(step)),
    ]]);
  return { step, weights: tensor(1), firstMoments: tensor(2), secondMoments: tensor(3) };
}

function records(count: number): StepRecord[] {
  return Array.from({ length: count }, (_, i) => ({ step: i + 1, loss: i }) as StepRecord);
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(`${folder}/checkpoints`);
  await Deno.remove(folder, { recursive: true });
}

function checkpointNames(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.startsWith("step-")).sort();
}

Deno.test("CheckpointFolder gives back the state and the records of its newest checkpoint", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    assert.equal(await checkpoints.open(), null);
    await checkpoints.save(state(2), records(2));
    await checkpoints.save(state(5), records(5));
    const resumed = await new CheckpointFolder(folder, "run").open();
    assert.deepEqual(resumed, { state: state(5), records: records(5) });
  }));

Deno.test("CheckpointFolder keeps two checkpoints", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    for (const step of [1, 2, 3, 4]) await checkpoints.save(state(step), records(step));
    assert.deepEqual(checkpointNames(folder).map((name) => name.slice(0, 13)), [
      "step-00000003",
      "step-00000004",
    ]);
  }));

Deno.test("CheckpointFolder falls back when the newest checkpoint is cut off, and drops later records", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    await checkpoints.save(state(5), records(5));
    const newest = `${folder}/${checkpointNames(folder)[1]}`;
    await Deno.truncate(newest, 40);
    const again = new CheckpointFolder(folder, "run");
    assert.deepEqual(await again.open(), { state: state(2), records: records(2) });
    await again.save(state(3), records(3));
    assert.deepEqual((await new CheckpointFolder(folder, "run").open())!.records, records(3));
  }));

Deno.test("CheckpointFolder falls back when records of the newest checkpoint are missing", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    await checkpoints.save(state(5), records(5));
    const path = `${folder}/steps.jsonl`;
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).slice(0, -3));
    assert.equal((await new CheckpointFolder(folder, "run").open())!.state.step, 2);
  }));

Deno.test("CheckpointFolder ignores what a killed writer left behind", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    await Deno.writeTextFile(`${folder}/writing.tmp`, "half");
    await Deno.writeTextFile(`${folder}/steps.jsonl.tmp`, "half");
    const again = new CheckpointFolder(folder, "run");
    assert.equal((await again.open())!.state.step, 2);
    await again.save(state(3), records(3));
    assert.equal((await new CheckpointFolder(folder, "run").open())!.state.step, 3);
  }));

Deno.test("CheckpointFolder refuses a checkpoint of another run", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    await assert.rejects(new CheckpointFolder(folder, "other").open(), {
      name: "ExpectedError",
      message: /the checkpoint belongs to a run with other options, weights or pairs; resume with/,
    });
  }));

Deno.test("CheckpointFolder says in how many processes another run was computed, if not in as many", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    const other = new CheckpointFolder(folder, "other", { processes: 4 });
    await assert.rejects(other.open(), {
      message: /with other options, weights or pairs \(of 1 process, this one has 4\); resume with/,
    });
  }));

Deno.test("CheckpointFolder leaves another run's checkpoint, whether or not that one would be of use", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(state(2), records(2));
    const kept = checkpointNames(folder);
    const other = new CheckpointFolder(folder, "other");
    await assert.rejects(other.open(() => Promise.resolve(false)), /belongs to a run with other/);
    await Deno.writeTextFile(`${folder}/steps.jsonl`, "");
    await assert.rejects(other.open(), /belongs to a run with other/);
    assert.deepEqual(checkpointNames(folder), kept);
    // Its own it may remove.
    assert.equal(await checkpoints.open(() => Promise.resolve(false)), null);
    assert.deepEqual(checkpointNames(folder), []);
  }));

Deno.test("CheckpointFolder says when an older version wrote a checkpoint", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(folder);
    const one = float32([1], Float32Array.of(1));
    const { sha256 } = await writeSafetensors(`${folder}/old`, new Map([["weight/w", one]]), {
      metadata: { run: "run" },
    });
    const path = `${folder}/step-00000001.${sha256}.safetensors`;
    await Deno.rename(`${folder}/old`, path);
    await assert.rejects(
      new CheckpointFolder(folder, "run").open(),
      new ExpectedError(
        `${path}: the checkpoint was written by an older version of Ballast; ` +
          "remove the folder to start afresh.",
      ),
    );
    assert.equal(checkpointNames(folder).length, 1);
  }));

Deno.test("CheckpointFolder keeps as many checkpoints as it is told", () =>
  withFolder(async (folder) => {
    const checkpoints = new CheckpointFolder(folder, "run", { keep: 3 });
    await checkpoints.open();
    for (const step of [1, 2, 3, 4]) await checkpoints.save(state(step), records(step));
    assert.equal(checkpointNames(folder).length, 3);
  }));

Deno.test("CheckpointFolder gives parameters back in their order, on which sums depend", () =>
  withFolder(async (folder) => {
    const one = float32([1], Float32Array.of(1));
    const tensors = new Map([["z", one], ["a", one], ["m", one]]);
    const checkpoints = new CheckpointFolder(folder, "run");
    await checkpoints.open();
    await checkpoints.save(
      { step: 1, weights: tensors, firstMoments: tensors, secondMoments: tensors },
      records(1),
    );
    const { state } = (await new CheckpointFolder(folder, "run").open())!;
    for (const key of ["weights", "firstMoments", "secondMoments"] as const) {
      assert.deepEqual([...state[key].keys()], ["z", "a", "m"]);
    }
  }));
