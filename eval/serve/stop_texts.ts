/** What can be given out of a text that may yet meet a stop text. */
export interface Released {
  readonly text: string;
  /** Whether a stop text has come: it and all after it are left out. */
  readonly stopped: boolean;
}

/** Watches a text for the first of some stop texts, and holds back what may be the beginning of one. */
export class StopTexts {
  #held = "";

  constructor(private readonly stops: readonly string[]) {}

  /** Takes the next piece of the text. */
  push(piece: string): Released {
    const text = this.#held + piece;
    const found = this.stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#held = "";
      return { text: text.slice(0, Math.min(...found)), stopped: true };
    }
    const sure = text.length - this.#heldLength(text);
    this.#held = text.slice(sure);
    return { text: text.slice(0, sure), stopped: false };
  }

  /** What was held back, when no more text comes. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  /** The length of the longest end of a text that a stop text begins with. */
  #heldLength(text: string): number {
    const longest = this.stops.reduce((most, stop) => Math.max(most, stop.length - 1), 0);
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
