import assert from "node:assert/strict";
import { join } from "node:path";
import { canMount, fillDisk, SmallDisk } from "../../faults/small_disk.ts";
import { HeldLeases, Lease, Leases } from "../../../pipeline/store/lease.ts";

const PACE = { beatMs: 20, silentMs: 300 };

async function withLeases(action: (folder: string, leases: Leases) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "ballast-leases-" });
  try {
    await action(folder, new Leases(folder, PACE));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Leaves a lease as a process of another machine would, whose locks do not reach here. */
function leaveForeign(path: string, beat: number): void {
  const holder = { pid: 7, host: "elsewhere", token: "theirs", beat: String(beat) };
  Deno.writeTextFileSync(path, `${JSON.stringify(holder)}\n`);
}

Deno.test("Leases.take() gives one holder, names it to others, and is free after release()", () =>
  withLeases(async (folder, leases) => {
    const held = await leases.take("key", 0);
    assert(held instanceof Lease);
    const us = { pid: Deno.pid, host: Deno.hostname() };
    assert.deepEqual(await new Leases(folder, PACE).take("key", 0), us);
    assert.deepEqual(await leases.holder("key"), us);
    assert.equal(await leases.holder("other"), null);
    held.release();
    held.release();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    assert.equal(await leases.holder("key"), null);
    const again = await leases.take("key", 0);
    assert(again instanceof Lease);
    again.release();
  }));

Deno.test("Leases.take() asked by many at once gives exactly one", () =>
  withLeases(async (folder) => {
    for (let round = 0; round < 20; round++) {
      const asked = await Promise.all(
        Array.from({ length: 8 }, () => new Leases(folder, PACE).take("key", 0)),
      );
      const held = asked.filter((one) => one instanceof Lease);
      assert.equal(held.length, 1, `round ${round}`);
      held[0].release();
    }
  }));

Deno.test("takeAll() takes all or none", () =>
  withLeases(async (folder, leases) => {
    const turn = await leases.take("turn-judge", 0);
    assert(turn instanceof Lease);
    assert(!(await leases.takeAll(["key", "turn-judge"], 0) instanceof HeldLeases));
    assert.equal([...Deno.readDirSync(folder)].length, 1);
    turn.release();
    using all = await leases.takeAll(["key", "turn-judge"], 0) as HeldLeases;
    assert.equal(all.lost.aborted, false);
    assert.equal([...Deno.readDirSync(folder)].length, 2);
  }));

Deno.test("a lease of another machine is taken over only after a silence that this one saw itself", () =>
  withLeases(async (folder, leases) => {
    const path = join(folder, "key");
    leaveForeign(path, 1);
    const foreign = { pid: 7, host: "elsewhere" };
    // However old its time says it is: clocks of two machines differ, and jump.
    await Deno.utime(path, new Date(0), new Date(0));
    assert.deepEqual(await leases.take("key", 0), foreign);
    for (let beat = 2; beat < 12; beat++) {
      leaveForeign(path, beat);
      assert.deepEqual(await leases.take("key", 0), foreign, "it shows that it lives");
      await pause(PACE.silentMs / 5);
    }
    assert.deepEqual(await leases.take("key", 0), foreign);
    await pause(PACE.silentMs + 50);
    const taken = await leases.take("key", 0);
    assert(taken instanceof Lease);
    taken.release();
  }));

Deno.test("a holder whose lease another machine took over is told, and leaves that one's alone", () =>
  withLeases(async (folder, leases) => {
    const held = await leases.take("key", 0);
    assert(held instanceof Lease);
    const lost = new Promise((resolve) => held.lost.addEventListener("abort", resolve));
    leaveForeign(join(folder, "key"), 1);
    const keepAlive = setInterval(() => {}, 10);
    await lost;
    clearInterval(keepAlive);
    held.release();
    assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
  }));

Deno.test(
  "a lease whose file a full disk left empty is held on, says so, and is written once there is room",
  {
    ignore: !canMount(),
  },
  () =>
    withLeases(async (folder, leases) => {
      using _disk = new SmallDisk(folder, "256k");
      const full = join(folder, "full");
      fillDisk(full);
      const held = await leases.take("key", 0);
      assert(held instanceof Lease);
      const path = join(folder, "key");
      assert.equal(Deno.statSync(path).size, 0);
      assert.match(held.unseen ?? "", new RegExp(`^Cannot write ${path}: the disk is full\\.`));
      const keepAlive = setInterval(() => {}, 10);
      const before = Deno.statSync(path).mtime!;
      await pause(5 * PACE.beatMs);
      assert.deepEqual([held.lost.aborted, Deno.statSync(path).size], [false, 0]);
      assert(Deno.statSync(path).mtime! > before, "it shows that it lives");
      Deno.removeSync(full);
      await pause(5 * PACE.beatMs);
      clearInterval(keepAlive);
      assert.equal((await leases.holder("key"))?.pid, Deno.pid);
      held.release();
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    }),
);

Deno.test("a lease that cannot be read for a moment is held on, and lost after its time-out, with the reason", () =>
  withLeases(async (folder, leases) => {
    const held = await leases.take("key", 0);
    assert(held instanceof Lease);
    const keepAlive = setInterval(() => {}, 10);
    const path = join(folder, "key");
    const hide = () => {
      Deno.renameSync(path, `${path}.aside`);
      Deno.symlinkSync("key", path); // too many levels of links: an error that is not "there is none"
    };
    hide();
    await pause(PACE.silentMs / 2);
    assert.equal(held.lost.aborted, false);
    Deno.renameSync(`${path}.aside`, path);
    await pause(PACE.silentMs); // what it was unread before does not count
    assert.equal(held.lost.aborted, false);
    hide();
    await pause(2 * PACE.silentMs);
    clearInterval(keepAlive);
    assert.equal(held.lost.aborted, true);
    assert.match(held.lost.reason, /^Its lease .*key could not be read for 0 s: .*os error/);
    held.release();
  }));

Deno.test("foreignHolders() names those that show life, and no others", () =>
  withLeases(async (folder, leases) => {
    leaveForeign(join(folder, "dead"), 1);
    leaveForeign(join(folder, "run-0001"), 1);
    let beat = 1;
    const beating = setInterval(() => leaveForeign(join(folder, "run-0001"), ++beat), PACE.beatMs);
    assert.equal(leases.hasForeign(), true);
    assert.deepEqual(await leases.foreignHolders(), [{ pid: 7, host: "elsewhere" }]);
    clearInterval(beating);
    assert.deepEqual(await leases.foreignHolders(), []);
  }));

for (const [what, text] of [["empty", ""], ["cut", '{"pid":7,"host":"el']]) {
  Deno.test(`a lease that a full disk left ${what} may be another machine's while it shows life`, () =>
    withLeases(async (folder, leases) => {
      const path = join(folder, "key");
      const touch = (time: number) => Deno.utimeSync(path, time / 1000, time / 1000);
      Deno.writeTextFileSync(path, text);
      assert.deepEqual([leases.hasForeign(), leases.hasRecentForeign()], [true, true]);
      let time = Date.now();
      const beating = setInterval(() => touch(time += 1000), PACE.beatMs);
      assert.deepEqual(await leases.foreignHolders(), [{ pid: null, host: null }]);
      for (const _ of [1, 2, 3]) {
        assert(!(await leases.take("key", 0) instanceof Lease));
        await pause(PACE.silentMs / 2);
      }
      clearInterval(beating);
      assert.deepEqual(await leases.foreignHolders(), []);
      touch(Date.now() - 11 * PACE.silentMs);
      assert.deepEqual([leases.hasForeign(), leases.hasRecentForeign()], [true, false]);
    }));
}

Deno.test("a lease without a name whose lock is seen keeps nobody from gc, and its holder's files are kept", () =>
  withLeases(async (folder, leases) => {
    const held = await leases.take("key", 0);
    assert(held instanceof Lease);
    Deno.truncateSync(join(folder, "key"), 0);
    assert.deepEqual([leases.hasForeign(), leases.hasRecentForeign()], [false, true]);
    held.release();
  }));

Deno.test("a holder whose lease somebody removed is told so, and of no other machine", () =>
  withLeases(async (folder, leases) => {
    const held = await leases.take("key", 0);
    assert(held instanceof Lease);
    const path = join(folder, "key");
    Deno.removeSync(path);
    const keepAlive = setInterval(() => {}, 10);
    await pause(5 * PACE.beatMs);
    clearInterval(keepAlive);
    assert.equal(held.lost.reason, `Its lease ${path} is gone: somebody removed it.`);
    held.release();
  }));
