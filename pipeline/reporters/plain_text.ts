/**
 * Text that is safe to print: control characters (escape sequences could rewrite the screen) and marks
 * that reorder text become visible `\u{1b}`; line ends stay when `lines` says so.
 */
export function escapeControls(
  text: string,
  lines: "one-line" | "keep-lines" = "one-line",
): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (mark) => {
      if (mark === "\t") return " ";
      if (mark === "\n" && lines === "keep-lines") return mark;
      return `\\u{${mark.codePointAt(0)!.toString(16)}}`;
    },
  );
}

/** Columns that text takes in a terminal: two for East Asian wide characters and emoji. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Text cut to a number of columns, its end marked by `…` when something was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let [kept, width] = ["", 0];
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** Text filled with spaces to a number of columns. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - displayWidth(text)));
}

function characterWidth(character: string): number {
  if (/\p{Mn}|\p{Me}|\u200d/u.test(character)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
      .test(character)
    ? 2
    : 1;
}
