/**
 * The size of one axis: a number, or a polynomial of symbols that graph inputs give a size at run
 * time: `"S"`, `"S*T"`, `"P+1"`, `"2*S"`. Kept in one canonical spelling, so that equal sizes are
 * equal strings.
 */
export type Dim = number | string;

/** Coefficient of each product of symbols; the key `""` is the constant term. */
type Polynomial = Map<string, number>;

const SYMBOL = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * The canonical spelling of a size.
 *
 * @throws RangeError when it is neither a non-negative integer nor a polynomial of symbols
 *
 * @example
 * ```ts
 * import { canonicalDim } from "./dims.ts";
 * if (canonicalDim("T*S+0") !== "S*T") throw new Error();
 * ```
 */
export function canonicalDim(dim: Dim): Dim {
  const canonical = format(parse(dim));
  if (typeof canonical === "number" && canonical < 0) {
    throw new RangeError(`Expected a size of at least 0 but found ${canonical}.`);
  }
  return canonical;
}

/** The product of sizes; 1 for none. */
export function productDim(dims: readonly Dim[]): Dim {
  let total: Polynomial = new Map([["", 1]]);
  for (const dim of dims) {
    const next: Polynomial = new Map();
    for (const [left, a] of total) {
      for (const [right, b] of parse(dim)) {
        const key = [...factors(left), ...factors(right)].sort().join("*");
        next.set(key, (next.get(key) ?? 0) + a * b);
      }
    }
    total = next;
  }
  return format(total);
}

/** The sum of sizes; 0 for none. */
export function sumDim(dims: readonly Dim[]): Dim {
  const total: Polynomial = new Map();
  for (const dim of dims) {
    for (const [key, coefficient] of parse(dim)) {
      total.set(key, (total.get(key) ?? 0) + coefficient);
    }
  }
  return format(total);
}

/** The size `end − start`. */
export function differenceDim(end: Dim, start: Dim): Dim {
  return sumDim([end, productDim([-1, start])]);
}

/** The terms of a size as coefficient and symbols, for computing it at run time. */
export function termsOfDim(dim: Dim): { coefficient: number; symbols: readonly string[] }[] {
  return [...parse(dim)].map(([key, coefficient]) => ({ coefficient, symbols: factors(key) }));
}

/** The symbols that a size depends on. */
export function symbolsOfDim(dim: Dim): readonly string[] {
  return [...new Set([...parse(dim).keys()].flatMap(factors))];
}

/** Whether two shapes are equal. */
export function equalDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** The shape that two shapes broadcast to as in NumPy, or `undefined` when they do not. */
export function broadcastDims(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const dims: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    dims.push(left === 1 ? right : left);
  }
  return dims;
}

/** A shape as `[S, 4]`. */
export function formatDims(dims: readonly Dim[]): string {
  return `[${dims.join(", ")}]`;
}

function factors(key: string): string[] {
  return key === "" ? [] : key.split("*");
}

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") {
    if (!Number.isSafeInteger(dim)) {
      throw new RangeError(`Expected a size to be an integer but found ${dim}.`);
    }
    return new Map([["", dim]]);
  }
  const polynomial: Polynomial = new Map();
  for (const term of dim.replaceAll("-", "+-").split("+")) {
    if (term === "" && dim.startsWith("-")) continue;
    let coefficient = 1;
    const symbols: string[] = [];
    for (const factor of term.replace(/^-(?=[A-Za-z])/, "-1*").split("*")) {
      if (/^-?\d+$/.test(factor)) coefficient *= Number(factor);
      else if (SYMBOL.test(factor)) symbols.push(factor);
      else {
        throw new RangeError(`Expected a size such as "S", "S*T" or "P+1" but found "${dim}".`);
      }
    }
    const key = symbols.sort().join("*");
    polynomial.set(key, (polynomial.get(key) ?? 0) + coefficient);
  }
  return polynomial;
}

function format(polynomial: Polynomial): Dim {
  const terms = [...polynomial].filter(([, coefficient]) => coefficient !== 0);
  if (terms.every(([key]) => key === "")) return terms[0]?.[1] ?? 0;
  // Symbols by code unit, the constant last: "P+T-1".
  terms.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  return terms.map(([key, coefficient], i) => {
    const sign = coefficient < 0 ? "-" : i === 0 ? "" : "+";
    const size = Math.abs(coefficient);
    return sign + (key === "" ? `${size}` : size === 1 ? key : `${size}*${key}`);
  }).join("");
}
