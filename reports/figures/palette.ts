/**
 * Colours of Okabe and Ito's palette, which readers with any form of colour blindness tell apart
 * (https://jfly.uni-koeln.de/color/), in an order that keeps neighbours far apart; yellow is left out
 * because it vanishes on paper.
 */
const COLOURS = ["#1b1b1b", "#009e73", "#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#cc79a7"];
/** A second cue beside colour, for print in grey. */
const DASHES: readonly (readonly number[])[] = [[1, 0], [6, 2], [1, 0], [2, 2], [1, 0], [5, 3], [
  8,
  2,
  2,
  2,
]];
const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
];

export const INK = "#1b1b1b";
export const FAINT = "#767676";
export const GRID = "#e4e4e4";
export const PAPER = "#ffffff";
export const CHOSEN = "#0072b2";
export const REJECTED = "#d55e00";
export const REPLIES = "#009e73";
export const PREFERENCE = "#0072b2";
export const REGULARISER = "#e69f00";

/** How a system is drawn in every figure: by its place among the run's systems. */
export function systemStyle(place: number): { colour: string; dash: number[]; shape: string } {
  return {
    colour: COLOURS[place % COLOURS.length],
    dash: [...DASHES[place % DASHES.length]],
    // Another shape for each colour that comes again.
    shape: SHAPES[(place + Math.floor(place / COLOURS.length)) % SHAPES.length],
  };
}
