import { z } from "../../core/zod.ts";
import { entryOf } from "../../core/instance_id.ts";
import { ExpectedError } from "../../core/problem.ts";
import type { BundleManifest } from "../../pipeline/bundle/manifest.ts";
import { CodeIndex } from "../../pipeline/code_digest.ts";
import { StoredDigests } from "../../pipeline/digest_memory.ts";
import type { Reason } from "../../pipeline/events.ts";
import { type KeyFields, reasonsBetween } from "../../pipeline/fingerprint.ts";
import { topological } from "../../pipeline/graph.ts";
import type { Instance } from "../../pipeline/instance.ts";
import { moduleGraph } from "../../pipeline/module_graph.ts";
import { type PlanContext, planInstance, type PlannedInstance } from "../../pipeline/plan.ts";
import { runPlan, type RunResult } from "../../pipeline/run.ts";
import type { Stage } from "../../pipeline/stage.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import { Store } from "../../pipeline/store/store.ts";
import type { StoreShare } from "../../pipeline/store/store_share.ts";
import { FolderTarget } from "../../pipeline/transfer/folder_target.ts";
import { receiveKey, receiveObject } from "../../pipeline/transfer/receive.ts";
import { stages } from "../../stages/registry.ts";
import { artifactDigest } from "../artifact_digest.ts";
import { thisHost } from "../host.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { ARTIFACT_TYPES, localExecutor } from "../local_workers.ts";
import { PROJECT_FOLDER } from "../project.ts";
import { GRAPH_ROOT } from "../session.ts";
import { type Remakeable, remakeable } from "./remakeable.ts";

/** What became of a bundle's run when its tables were made again. */
export interface Replayed {
  readonly records: ReadonlyMap<string, KeyRecord>;
  readonly remade: readonly Remakeable[];
  readonly result: RunResult;
  /** Fields of keys that are others here, each once: code, packages, facts. */
  readonly reasons: readonly Reason[];
  /** Stages of the bundle that this version lacks. */
  readonly unknown: readonly string[];
  /** Holds what was made again. */
  readonly store: Store;
}

/**
 * Makes the tables of an unpacked bundle again, in an empty store.
 *
 * @param places the folder of the bundle, and one for the store
 * @throws ExpectedError for a bundle without tables, or whose records or objects are not what they should be
 */
export async function replayRun(
  manifest: BundleManifest,
  places: { readonly bundle: string; readonly store: string },
): Promise<Replayed> {
  const source = new FolderTarget(places.bundle);
  const store = Store.open(places.store);
  const records = new Map<string, KeyRecord>();
  for (const { id, key } of manifest.instances) {
    const record = await receiveKey(source, key);
    if (record === null) throw new ExpectedError(`The bundle lacks the record of ${id} (${key}).`);
    records.set(id, { ...record, instance: id, recipe: manifest.recipe });
  }
  const remade = remakeable(records, new Set(manifest.objects), stages);
  if (remade.length === 0) {
    throw new ExpectedError("The bundle holds no table that can be made again.");
  }
  using share = await store.share();
  await receiveInputs(remade, { records, source, store });
  const context = await planContext(manifest.recipe, store);
  const planned = await plan(remade, records, context);
  const result = await runHere(planned, context, share);
  const reasons = await differingFields(records, remade, context);
  const unknown = [...records.values()].map(({ stage }) => stage).filter((name) =>
    !stages.has(name)
  );
  return { records, remade, result, reasons, unknown: [...new Set(unknown)], store };
}

/** Stands for one that this version lacks; it is never run. */
const NO_STAGE: Omit<Stage, "name"> = {
  describe: "",
  params: z.unknown(),
  inputs: {},
  outputs: {},
  resources: () => ({ cores: 1 }),
  module: "",
  run: () => Promise.reject(new TypeError("This stage is given.")),
};

/** What is read of instances that are not made again. */
async function receiveInputs(
  remade: readonly Remakeable[],
  { records, source, store }: {
    readonly records: ReadonlyMap<string, KeyRecord>;
    readonly source: FolderTarget;
    readonly store: Store;
  },
): Promise<void> {
  const ids = new Set(remade.map(({ instance }) => instance.id));
  const refs = remade.flatMap(({ instance }) => Object.values(instance.inputs).flat());
  for (const { instance, port } of refs.filter((ref) => !ids.has(ref.instance))) {
    const { digest, type } = records.get(instance)!.outputs[port];
    const options = { store, digestOf: artifactDigest, limit: Infinity }; // as unpacked, it was limited
    if (await receiveObject(source, { digest, type }, options) === null) {
      throw new ExpectedError(`The bundle lacks files of ${instance} (${digest}).`);
    }
  }
}

async function planContext(recipe: string, store: Store): Promise<PlanContext> {
  const memory = StoredDigests.open(store);
  const code = new CodeIndex(await moduleGraph(GRAPH_ROOT, store), PROJECT_FOLDER, memory);
  return { recipe, store, code, memory, machine: "replay" };
}

/** The instances to make, after those that are given, which count as done. */
async function plan(
  remade: readonly Remakeable[],
  records: ReadonlyMap<string, KeyRecord>,
  context: PlanContext,
): Promise<PlannedInstance[]> {
  const ids = new Set(remade.map(({ instance }) => instance.id));
  const refs = remade.flatMap(({ instance }) => Object.values(instance.inputs).flat());
  const given = [...new Set(refs.map(({ instance }) => instance))].filter((id) => !ids.has(id));
  const known = new Map(given.map((id) => [id, records.get(id)!.outputs]));
  const ready = given.map((id) => givenInstance(id, records.get(id)!));
  const instances = topological(remade.map(({ instance }) => instance));
  const open = await Promise.all(instances.map(async (instance) => {
    const one = await planInstance(instance, { known, sizes: new Map() }, context);
    return { ...one, key: null, fields: null, record: null }; // its inputs may come out otherwise
  }));
  return [...ready, ...open];
}

/** An instance that the run finds done: nothing of it is looked at but its record. */
function givenInstance(id: string, record: KeyRecord): PlannedInstance {
  const { stage } = record;
  const instance: Instance = {
    ...{ id, entry: entryOf(id), stage: stages.get(stage) ?? { ...NO_STAGE, name: stage } },
    ...{ axes: {}, params: {}, paths: {}, modules: {}, inputs: {}, after: [] },
  };
  const forecast = { seconds: null, basis: "given" };
  return {
    ...{ instance, state: "cached", key: record.key, fields: null, reasons: [] },
    ...{ forecast, record },
  };
}

async function runHere(
  planned: readonly PlannedInstance[],
  context: PlanContext,
  share: StoreShare,
): Promise<RunResult> {
  using interrupts = listenForInterrupts();
  const host = thisHost();
  return await runPlan(planned, {
    ...context,
    executor: localExecutor(),
    share,
    artifactTypes: ARTIFACT_TYPES,
    subscribers: [],
    header: {
      recipe: context.recipe,
      parameters: {},
      command: [],
      startedAt: new Date().toISOString(),
      host,
    },
    host,
    runnable: new Set(planned.map(({ instance }) => instance.id)),
    stop: interrupts.stop,
    kill: interrupts.kill,
    now: Date.now,
  });
}

/** What is another here of what decided the run's results: each field once, whatever stages it concerns. */
async function differingFields(
  records: ReadonlyMap<string, KeyRecord>,
  remade: readonly Remakeable[],
  { code }: PlanContext,
): Promise<Reason[]> {
  const byId = new Map(remade.map(({ instance }) => [instance.id, instance]));
  const found = new Map<string, Reason>();
  for (const [id, record] of records) {
    const stage = stages.get(record.stage);
    if (stage === undefined) continue;
    const before = record.fields as unknown as KeyFields;
    const instance = byId.get(id);
    const facts = stage.params.safeParse(before.params);
    const after = {
      ...before,
      ...(instance !== undefined && { params: instance.params }),
      code: await code.code(stage.module),
      facts: facts.success ? stage.facts?.(facts.data) ?? {} : before.facts,
    };
    for (const reason of reasonsBetween(before, after, entryOf(id))) {
      found.set(reason.field, reason);
    }
  }
  return [...found.values()].sort((a, b) => (a.field < b.field ? -1 : 1));
}
