import { entryOf } from "../../core/instance_id.ts";
import type { KeyFields } from "../../pipeline/fingerprint.ts";
import type { Instance, OutputRef } from "../../pipeline/instance.ts";
import type { Stage } from "../../pipeline/stage.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import { gives, portTypes } from "../../pipeline/transfer/port_types.ts";
import { TABLE_TYPES } from "./bundled_types.ts";

/** An instance of a bundle's run that can be made anew from what the bundle holds, and what it was. */
export interface Remakeable {
  readonly instance: Instance;
  readonly record: KeyRecord;
}

/**
 * The instances whose results are tables, or go into tables, and whose inputs are all in the bundle. Not
 * those that read a file outside the store, ask anybody, or whose stage this version lacks, or gives or
 * takes anything else than they.
 *
 * @param records of a run, by instance, in the order of the run
 * @param held digests of the objects whose files are there
 */
export function remakeable(
  records: ReadonlyMap<string, KeyRecord>,
  held: ReadonlySet<string>,
  stages: ReadonlyMap<string, Stage>,
): Remakeable[] {
  const found: Remakeable[] = [];
  for (const [id, record] of records) {
    const instance = instanceOf(id, { record, records, held, stages });
    if (instance !== null) found.push({ instance, record });
  }
  return found;
}

interface Surroundings {
  readonly record: KeyRecord;
  readonly records: ReadonlyMap<string, KeyRecord>;
  readonly held: ReadonlySet<string>;
  readonly stages: ReadonlyMap<string, Stage>;
}

function instanceOf(id: string, { record, records, held, stages }: Surroundings): Instance | null {
  const fields = record.fields as unknown as KeyFields;
  const stage = stages.get(record.stage);
  if (stage === undefined || !makesTables(stage, record)) return null;
  if (Object.keys(fields.sources).length > 0) return null;
  const parsed = stage.params.safeParse(fields.params);
  if (!parsed.success) return null;
  const { network = [], caches = [], environment = [] } = stage.resources(parsed.data);
  if (network.length + caches.length + environment.length > 0) return null;
  const inputs: Record<string, OutputRef[]> = {};
  for (const [port, given] of Object.entries(fields.inputs)) {
    inputs[port] = [];
    for (const { digest, from, axes = {} } of given) {
      const made = held.has(digest) ? makerOf(digest, from, records) : null;
      if (made === null || made.type !== stage.inputs[port]?.type) return null;
      inputs[port].push({ instance: made.instance, port: made.port, axes });
    }
  }
  if (Object.values(inputs).flat().length === 0) return null; // it reads nothing that was measured
  const entry = entryOf(id);
  const params = parsed.data as Instance["params"];
  return { id, entry, stage, axes: {}, params, paths: {}, modules: {}, inputs, after: [] };
}

/** By what this version's stage gives: a record may claim anything of a stage that it names. */
function makesTables({ outputs }: Stage, record: KeyRecord): boolean {
  const types = portTypes(outputs);
  return gives(record, types) && Object.values(types).every((type) => TABLE_TYPES.has(type));
}

/** Who gave an object: the instance that is named, else the first that gave it. */
function makerOf(
  digest: string,
  from: string | undefined,
  records: ReadonlyMap<string, KeyRecord>,
): { instance: string; port: string; type: string } | null {
  const ids = from === undefined ? [...records.keys()] : [from];
  for (const instance of ids) {
    for (const [port, output] of Object.entries(records.get(instance)?.outputs ?? {})) {
      if (output.digest === digest) return { instance, port, type: output.type };
    }
  }
  return null;
}
