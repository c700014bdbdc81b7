/**
 * The process that moves objects and key records between a store and a cache: it may read the code and the
 * store, write the store (or the folder that is pushed to), talk to the cache's host, and load DuckDB to tell
 * tokens' digests. It is told where by one line of JSON on standard input, then what to do by further ones;
 * each is answered by one line on standard output. It ends when its standard input does.
 */
import { ExpectedError } from "../../core/problem.ts";
import { Store } from "../../pipeline/store/store.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { FolderTarget } from "../../pipeline/transfer/folder_target.ts";
import { HttpSource } from "../../pipeline/transfer/http_source.ts";
import type { ObjectSource, ObjectTarget } from "../../pipeline/transfer/object_source.ts";
import type { StageOutputs } from "../../pipeline/transfer/port_types.ts";
import {
  type KeyList,
  pullKeys,
  pushKeys,
  receiveList,
  type Transferred,
} from "../../pipeline/transfer/transfer_keys.ts";
import { artifactDigest } from "../artifact_digest.ts";
import { printVerbatim } from "../output.ts";
import type { CachePlace } from "./cache_place.ts";

/** What the process is told first. */
export interface CacheOrder {
  readonly place: CachePlace;
  /** The store's folder. */
  readonly store: string;
  /** Bytes that one object may have. */
  readonly limit: number;
}

/** What it is told to do. */
export type CacheRequest =
  | { readonly push: KeyList }
  /** Keys, and the outputs that the records of stages must have. */
  | { readonly pull: readonly string[]; readonly stages: StageOutputs }
  /** The keys of the recipe's run that was pushed last. */
  | { readonly list: string };

/** What it answers, where nothing is wrong; else `{ error }`. */
export type AnswerTo<Request extends CacheRequest> = Request extends { readonly list: string }
  ? { readonly listed: KeyList | null }
  : { readonly transferred: Transferred };

async function openPlace(place: CachePlace): Promise<ObjectSource | ObjectTarget> {
  switch (place.kind) {
    case "folder":
      return new FolderTarget(place.folder);
    case "http":
      return new HttpSource(place.address);
    case "s3": {
      const { S3Target } = await import("../../pipeline/transfer/s3_target.ts");
      return new S3Target({
        ...place,
        accessKeyId: Deno.env.get("AWS_ACCESS_KEY_ID") ?? "",
        secretAccessKey: Deno.env.get("AWS_SECRET_ACCESS_KEY") ?? "",
        sessionToken: Deno.env.get("AWS_SESSION_TOKEN"),
      });
    }
  }
}

async function answer(request: CacheRequest, source: ObjectSource, { store, limit }: CacheOrder) {
  const opened = Store.open(store);
  if ("list" in request) return { listed: await receiveList(source, request.list) };
  if ("pull" in request) {
    const { stages } = request;
    const options = { store: opened, digestOf: artifactDigest, limit, stages };
    return { transferred: await pullKeys(source, request.pull, options) };
  }
  if (!("writeText" in source)) throw new ExpectedError(`${source.name} cannot be pushed to.`);
  return { transferred: await pushKeys(source as ObjectTarget, request.push, opened) };
}

if (import.meta.main) {
  const lines = Deno.stdin.readable.pipeThrough(new TextLineStream())[Symbol.asyncIterator]();
  const order = JSON.parse((await lines.next()).value ?? "{}") as CacheOrder;
  const source = await openPlace(order.place);
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const said = await answer(JSON.parse(line.value), source, order).catch((error) => {
      if (error instanceof ExpectedError) return { error: error.message };
      throw error;
    });
    printVerbatim(JSON.stringify(said));
  }
  Deno.exit(0);
}
