import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { ExpectedError } from "../../core/problem.ts";
import { loadMpi, MPI, mpiErrorText, type MpiSymbols } from "./mpi_library.ts";
import { meet, type Parts, type Ranks, type Transfer } from "./ranks.ts";

const { BYTE, FLOAT, DOUBLE, COMM_WORLD, IN_PLACE } = MPI;

/** What MPI may be reading or writing: reachable from here, so never collected meanwhile. */
const HELD = new Set<object>();

/** Looks at a transfer in quick succession, then with naps between them, then once a millisecond or two. */
const QUICK_LOOKS = 20;
const NAPPING_LOOKS = 500;
const LONGEST_NAP_MS = 0.5;

const napping = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps: timers cannot wait for less than a millisecond. */
function nap(milliseconds: number): void {
  Atomics.wait(napping, 0, 0, milliseconds);
}

/**
 * Processes that `mpiexec` started, over MPICH. MPI moves data on only when it is called (unless it was
 * told to start a thread of its own), and its own waiting keeps a core busy: so transfers are begun, and
 * looked at now and then.
 */
export class MpiRanks implements Ranks {
  readonly rank: number;
  readonly size: number;
  readonly #symbols: MpiSymbols;

  private constructor(symbols: MpiSymbols, place: { rank: number; size: number }) {
    this.#symbols = symbols;
    this.rank = place.rank;
    this.size = place.size;
  }

  /**
   * Joins the others. Once in a process.
   *
   * @param size how many processes there must be
   * @throws ExpectedError when MPICH does not load, or others were started than expected
   */
  static open(size: number): MpiRanks {
    const symbols = loadMpi();
    const out = new Int32Array(1);
    check(symbols, symbols.MPI_Init_thread(0n, 0n, MPI.THREAD_FUNNELED, out), "MPI_Init_thread");
    check(
      symbols,
      symbols.MPI_Comm_set_errhandler(MPI.COMM_WORLD, MPI.ERRORS_RETURN),
      "MPI_Comm_set_errhandler",
    );
    check(symbols, symbols.MPI_Comm_rank(MPI.COMM_WORLD, out), "MPI_Comm_rank");
    const rank = out[0];
    check(symbols, symbols.MPI_Comm_size(MPI.COMM_WORLD, out), "MPI_Comm_size");
    if (out[0] !== size) {
      throw new ExpectedError(
        `Expected ${size} processes, started by MPICH's mpiexec, but MPI knows of ${out[0]}.`,
      );
    }
    return new MpiRanks(symbols, { rank, size });
  }

  exchange(
    from: Float32Array,
    fromParts: Parts,
    to: Float32Array,
    toParts: Parts,
  ): Transfer {
    const send = [from, fromParts.counts, fromParts.starts] as const;
    const receive = [to, toParts.counts, toParts.starts] as const;
    return this.#begin("MPI_Ialltoallv", [...send, ...receive], (request, ...arrays) => {
      const [a, b, c, d, e, f] = arrays;
      return this.#symbols
        .MPI_Ialltoallv(a, b, c, FLOAT, d, e, f, FLOAT, COMM_WORLD, request);
    });
  }

  spread(data: Float32Array, parts: Parts): Transfer {
    const { counts, starts } = parts;
    return this.#begin(
      "MPI_Iallgatherv",
      [data, counts, starts],
      (request, a, b, c) =>
        this.#symbols
          .MPI_Iallgatherv(IN_PLACE, 0, FLOAT, a, b, c, FLOAT, COMM_WORLD, request),
    );
  }

  async collect(values: Float64Array): Promise<Float64Array[]> {
    const count = values.length;
    const all = new Float64Array(count * this.size);
    await this.#begin("MPI_Iallgather", [values, all], (request, a, b) =>
      this.#symbols
        .MPI_Iallgather(a, count, DOUBLE, b, count, DOUBLE, COMM_WORLD, request)).finish();
    return Array.from(
      { length: this.size },
      (_, rank) => all.subarray(rank * count, (rank + 1) * count),
    );
  }

  async broadcast(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MOST_BYTES) {
      const piece = bytes.subarray(at, at + MOST_BYTES);
      await this.#begin(
        "MPI_Ibcast",
        [piece],
        (request, a) => this.#symbols.MPI_Ibcast(a, piece.length, BYTE, 0, COMM_WORLD, request),
      ).finish();
    }
  }

  async end(): Promise<void> {
    await meet(this); // so that MPI's own waiting, which keeps a core busy, is short
    check(this.#symbols, this.#symbols.MPI_Finalize(), "MPI_Finalize");
  }

  /** @param arrays what MPI reads or writes until the transfer is done */
  #begin(
    what: string,
    arrays: readonly ArrayBufferView[],
    start: (request: Int32Array<ArrayBuffer>, ...arrays: ArrayBufferView<ArrayBuffer>[]) => number,
  ): Transfer {
    const request = new Int32Array(1);
    // V8 keeps small arrays in its own heap, where they move, until their buffer is asked for.
    const uses = arrays.map(({ buffer }) => buffer);
    HELD.add(uses);
    this.#check(start(request, ...arrays as ArrayBufferView<ArrayBuffer>[]), what);
    return { finish: () => this.#finish(request, what).finally(() => HELD.delete(uses)) };
  }

  async #finish(request: Int32Array<ArrayBuffer>, what: string): Promise<void> {
    const done = new Int32Array(1);
    for (let looks = 0;; looks++) {
      this.#check(this.#symbols.MPI_Test(request, done, MPI.STATUS_IGNORE), what);
      if (done[0] !== 0) return;
      if (looks < QUICK_LOOKS) continue;
      // Others are late: they write a file, or have more to compute.
      if (looks >= NAPPING_LOOKS) await pause(1);
      else if (looks % 16 === 0) await nextTurn();
      else nap(Math.min(LONGEST_NAP_MS, (looks - QUICK_LOOKS) / 50));
    }
  }

  #check(code: number, what: string): void {
    check(this.#symbols, code, `${what} of process ${this.rank} of ${this.size}`);
  }
}

/** Counts are of 32 bits. */
const MOST_BYTES = 1 << 30;

function check(symbols: MpiSymbols, code: number, what: string): void {
  if (code === 0) return;
  throw new Error(`${what} failed: ${mpiErrorText(symbols, code)} (error ${code}).`);
}
