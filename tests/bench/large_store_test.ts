import assert from "node:assert/strict";
import { CHAIN, fabricateStore } from "../../bench/large_store/fabricate.ts";
import { requireExactly } from "../../bench/large_store/command.ts";
import { collectGarbage, listGarbage } from "../../pipeline/gc.ts";
import { verifyStore } from "../../pipeline/verify.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import { withStore } from "../pipeline/store/fixture.ts";

Deno.test("a fabricated store is whole to the last digest, and gc removes exactly what nothing refers to", () =>
  withStore(async (store) => {
    const made = await fabricateStore(store, 8 * CHAIN);
    const found = await verifyStore(store, { types: artifactTypes });
    assert.deepEqual([found.damages, found.incompleteKeys], [[], []]);
    assert.equal(found.objects, made.objects.size);
    const listed = listGarbage(store, { now: 0 }).garbage.map(({ path }) => path.split("/").at(-1));
    const expected = [
      ...made.garbage.objects,
      ...[...made.garbage.keys].map((key) => `${key}.json`),
    ];
    assert.deepEqual(listed.toSorted(), expected.toSorted());
    assert.throws(() => requireExactly(store, made), /such things remain, and 0 others are gone/);
    await collectGarbage(store, { now: 0 });
    requireExactly(store, made);
    const kept = store.listObjects().find((digest) => made.objects.has(digest))!;
    await Deno.remove(store.objectPath(kept), { recursive: true });
    assert.throws(
      () => requireExactly(store, made),
      /but 0 such things remain, and 1 others are gone/,
    );
  }));
