/** The longest line that is kept whole; a stage that prints without line ends costs no more memory. */
const LONGEST = 1 << 20;

/** Bytes in, lines of text out, without their line ends; longer lines are cut. */
export class TextLineStream extends TransformStream<Uint8Array, string> {
  constructor() {
    const decoder = new TextDecoder();
    let rest = "";
    super({
      transform(bytes, controller) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop()!.slice(0, LONGEST);
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        if (rest !== "") controller.enqueue(rest);
      },
    });
  }
}
