import type { Parts, Ranks, Transfer } from "../../../train/parallel/ranks.ts";

/** What each rank brings to one meeting, and what all of them leave with. */
interface Meeting {
  readonly brought: unknown[];
  readonly all: PromiseWithResolvers<readonly unknown[]>;
  missing: number;
}

/**
 * Ranks of one process, for tests: each a run of its own, side by side. They meet at their first call, at
 * their second one, and so on, as MPI's do; what they do there is counted.
 */
export class JoinedRanks {
  readonly ranks: readonly Ranks[];
  /** How often each function was called by the first rank. */
  readonly calls = { exchange: 0, spread: 0, collect: 0, broadcast: 0, end: 0 };
  readonly #meetings: Meeting[] = [];

  constructor(readonly size: number) {
    this.ranks = Array.from({ length: size }, (_, rank) => new JoinedRank(rank, this));
  }

  /** Runs one thing for each rank, side by side; has ended only when all have. */
  async run<Result>(run: (ranks: Ranks) => Promise<Result>): Promise<Result[]> {
    const ended = await Promise.allSettled(this.ranks.map(run));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
    return ended.map((end) => (end as PromiseFulfilledResult<Result>).value);
  }

  /** Waits until all ranks have brought something to a meeting. */
  async meet<Brought>(number: number, rank: number, brought: Brought): Promise<Brought[]> {
    const meeting = this.#meetings[number] ??= {
      brought: [],
      all: Promise.withResolvers(),
      missing: this.size,
    };
    meeting.brought[rank] = brought;
    if (--meeting.missing === 0) meeting.all.resolve(meeting.brought);
    return await meeting.all.promise as Brought[];
  }
}

class JoinedRank implements Ranks {
  readonly size: number;
  #meetings = 0;

  constructor(readonly rank: number, private readonly joined: JoinedRanks) {
    this.size = joined.size;
  }

  exchange(from: Float32Array, fromParts: Parts, to: Float32Array, toParts: Parts): Transfer {
    return this.#begin("exchange", { from, fromParts }, (all) => {
      all.forEach(({ from, fromParts }, rank) => {
        const start = fromParts.starts[this.rank];
        const part = from.subarray(start, start + fromParts.counts[this.rank]);
        if (part.length !== toParts.counts[rank]) {
          throw new RangeError(`Expected ${toParts.counts[rank]} elements, found ${part.length}.`);
        }
        to.set(part, toParts.starts[rank]);
      });
    });
  }

  spread(data: Float32Array, { starts, counts }: Parts): Transfer {
    const own = data.slice(starts[this.rank], starts[this.rank] + counts[this.rank]);
    return this.#begin("spread", own, (all) => {
      all.forEach((part, rank) => data.set(part, starts[rank]));
    });
  }

  async collect(values: Float64Array): Promise<Float64Array[]> {
    this.#count("collect");
    return await this.joined.meet(this.#meetings++, this.rank, values.slice());
  }

  async broadcast(bytes: Uint8Array): Promise<void> {
    this.#count("broadcast");
    const [first] = await this.joined.meet(this.#meetings++, this.rank, bytes.slice());
    if (first.length !== bytes.length) throw new RangeError("Expected as many bytes everywhere.");
    bytes.set(first);
  }

  async end(): Promise<void> {
    this.#count("end");
    await this.joined.meet(this.#meetings++, this.rank, null);
  }

  #begin<Brought>(
    name: "exchange" | "spread",
    brought: Brought,
    take: (all: Brought[]) => void,
  ): Transfer {
    this.#count(name);
    // What is sent stays as it is until its owner has finished: so it is taken when all have.
    const arrived = this.joined.meet(this.#meetings++, this.rank, brought);
    const taken = arrived.then(take);
    const left = this.joined.meet(this.#meetings++, this.rank, taken);
    return {
      finish: async () => {
        await Promise.all(await left);
      },
    };
  }

  #count(name: keyof JoinedRanks["calls"]): void {
    if (this.rank === 0) this.joined.calls[name]++;
  }
}
