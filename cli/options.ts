import { InvalidArgumentError, Option } from "./commander.ts";
import { userPath } from "./project.ts";

/** An option that may be given again. */
export const several = (value: string, previous: string[] = []) => [...previous, value];

/** An integer greater than 0. */
export function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError("Expected an integer greater than 0.");
  }
  return number;
}

/** A port's number; 0 for any that is free. */
export function portNumber(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !Number.isInteger(number) || number < 0 || number > 65535) {
    throw new InvalidArgumentError("Expected a port's number, from 0 to 65535.");
  }
  return number;
}

/** A number of at least 0. */
export function fraction(value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError("Expected a number of at least 0.");
  }
  return number;
}

/** A share, from 0 to 1. */
export function share(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !(number >= 0 && number <= 1)) {
    throw new InvalidArgumentError("Expected a share from 0 to 1, such as 0.95.");
  }
  return number;
}

/** A size such as 5GB, 200MB or 1000000, in bytes; units are powers of ten, as transformers has them. */
export function byteSize(value: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]?b)?$/i.exec(value) ?? [];
  const factor = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 }[unit?.toLowerCase() ?? "b"]!;
  const bytes = Math.floor(Number(digits) * factor);
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError("Expected a size such as 5GB or 200MB.");
}

/** Items between commas. */
export function list(value: string): string[] {
  return value.split(",").map((item) => item.trim());
}

/** A folder, or a path where none is yet. */
function storeFolder(value: string): string {
  const path = userPath(value);
  try {
    if (Deno.statSync(path).isDirectory) return value;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return value;
    throw new InvalidArgumentError(`${path} cannot be used: ${(error as Error).message}.`);
  }
  throw new InvalidArgumentError(`Expected a folder but found a file at ${path}.`);
}

/** `--device`. */
export function deviceOption() {
  return new Option("--device <device>", "cpu, or a GPU: cuda:0 (default: cpu)");
}

/** `--precision`. */
export function precisionOption() {
  return new Option("--precision <type>", "what layers are computed in (default: float32)")
    .choices(["float32", "bfloat16", "float16"] as const);
}

/** `--tf32`. */
export function tf32Option() {
  return new Option("--tf32", "let a GPU round operands of float32 products to 10 bits");
}

/** `--fused-attention`. */
export function fusedAttentionOption() {
  return new Option("--fused-attention", "let a GPU compute attention in one kernel");
}

/** `--recipe`. */
export function recipeOption() {
  return new Option("--recipe <name>", "a recipe's name, or a YAML file").default("tiny");
}

/** `--set`. */
export function setOption() {
  return new Option("--set <stage.param=value>", "change a parameter; may be given again")
    .argParser(several).default([] as string[], "none");
}

/** `--sweep`. */
export function sweepOption() {
  return new Option(
    "--sweep <stage.param=values>",
    "run every value, between commas, and report the curve; may be given again",
  ).argParser(several).default([] as string[], "none");
}

/** `--store`. */
export function storeOption() {
  return new Option("--store <folder>", "the store (default: .ballast in the project)")
    .argParser(storeFolder);
}

/** `--json`. */
export function jsonOption() {
  return new Option("--json", "print one JSON document on standard output").default(false);
}

/** `--offline`. */
export function offlineOption() {
  return new Option(
    "--offline",
    "ask nothing of the network: what was fetched or judged before alone",
  )
    .default(false);
}
