/** Runs tasks one after another; refuses more than may wait. */
export class OneAtATime {
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param most tasks that may be under way or waiting */
  constructor(readonly most: number) {}

  /** The task's result, in its turn; null when too many wait already. */
  run<T>(task: () => Promise<T>): Promise<T> | null {
    if (this.#waiting >= this.most) return null;
    this.#waiting++;
    const result = this.#last.then(task).finally(() => this.#waiting--);
    this.#last = result.catch(() => {});
    return result;
  }
}
