import stringWidth from "string-width";

/**
 * How many terminal cells a text takes: East Asian wide characters and emoji two, combining marks none.
 * The text must be free of control characters (see `visibleText`).
 */
export function displayWidth(text: string): number {
  return stringWidth(text);
}

/** A text padded with blanks to a display width; longer texts are returned as they are. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const blanks = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + blanks : blanks + text;
}

/** A text cut to a number of cells, its end marked by `…` when something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** Lines of at most `width` cells, broken at blanks; a word longer than a line is broken inside. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    for (const piece of breakWord(word, width)) {
      if (line === "") line = piece;
      else if (displayWidth(line) + 1 + displayWidth(piece) <= width) line += ` ${piece}`;
      else {
        lines.push(line);
        line = piece;
      }
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

function breakWord(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = "";
  for (const character of word) {
    if (piece !== "" && displayWidth(piece + character) > width) {
      pieces.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...pieces, piece];
}
