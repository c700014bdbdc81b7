import { InputError, nearest } from "../../core/problem.ts";
import { MALLOC } from "../../pipeline/executors/local.ts";
import type { Job } from "./job.ts";
import type { Workload } from "./workload.ts";

/** How the C library hands out memory: it decides how often fresh pages must be zeroed. */
export const MALLOCS = {
  /** The C library's defaults. */
  none: {},
  /** Never gives pages back, so that none is zeroed twice. */
  keep: { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "68719476736" },
  /** Asks for pages of 2 MiB. */
  huge: { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" },
  /** Both. */
  both: {
    GLIBC_TUNABLES:
      "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736",
  },
  /** Both, from one arena for all threads: as Ballast starts its workers. */
  one: { GLIBC_TUNABLES: MALLOC },
} as const satisfies Record<string, Record<string, string>>;
export type Malloc = keyof typeof MALLOCS;

/** A way to train: whose program, which order of the pairs, compiled or not. */
interface Family {
  readonly what: string;
  readonly program: "ballast" | "torch" | "trl";
  readonly order: keyof Workload["pairs"];
  readonly compile: Job["compile"];
  /** The settings of memory that are tried unless others are named. */
  readonly mallocs: readonly Malloc[];
}

/** Every system; PyTorch always gets the order in which the least is padded. */
export const FAMILIES = {
  ballast: {
    what: "Ballast, pairs in the file's order",
    program: "ballast",
    order: "file",
    compile: null,
    mallocs: ["none", "one"],
  },
  "ballast-sorted": {
    what: "Ballast, pairs in order of length",
    program: "ballast",
    order: "sorted",
    compile: null,
    mallocs: ["one"],
  },
  eager: {
    what: "PyTorch, eager",
    program: "torch",
    order: "sorted",
    compile: null,
    mallocs: ["none", "keep", "both", "one"],
  },
  compile: {
    what: "PyTorch, torch.compile for any length",
    program: "torch",
    order: "sorted",
    compile: "dynamic",
    mallocs: ["none", "keep", "both", "one"],
  },
  compile64: {
    what: "PyTorch, torch.compile for each multiple of 64",
    program: "torch",
    order: "sorted",
    compile: "static",
    mallocs: [],
  },
  trl: {
    what: "TRL's DPOTrainer, pairs in the file's order",
    program: "trl",
    order: "file",
    compile: null,
    mallocs: ["none"],
  },
  "trl-sorted": {
    what: "TRL's DPOTrainer, pairs in order of length",
    program: "trl",
    order: "sorted",
    compile: null,
    mallocs: ["one"],
  },
} as const satisfies Record<string, Family>;
export type FamilyName = keyof typeof FAMILIES;

/** A family under one setting of memory. */
export interface System extends Omit<Family, "mallocs"> {
  /** Such as `eager@huge`. */
  readonly name: string;
  readonly malloc: Malloc;
}

/** The systems that are measured unless some are named. */
export function defaultSystems(): System[] {
  return Object.keys(FAMILIES).flatMap((family) => systemsNamed(family as FamilyName));
}

/**
 * The systems of a list such as `ballast@huge,eager,trl@none`; a family alone means each of its
 * settings of memory.
 *
 * @throws InputError naming every part that is unknown
 */
export function parseSystems(text: string): System[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  const known = [
    ...Object.keys(FAMILIES),
    ...Object.keys(FAMILIES).flatMap((family) =>
      Object.keys(MALLOCS).map((malloc) => `${family}@${malloc}`)
    ),
  ];
  const unknown = parts.filter((part) => !known.includes(part));
  if (unknown.length > 0 || parts.length === 0) {
    throw new InputError((unknown.length > 0 ? unknown : [""]).map((part) => ({
      path: "--systems",
      message: `Expected FAMILY or FAMILY@MEMORY but found "${part}". Families: ${
        Object.keys(FAMILIES).join(", ")
      }; memory: ${Object.keys(MALLOCS).join(", ")}.`,
      nearest: nearest(part, known),
    })));
  }
  const systems = parts.flatMap((part) => {
    const [family, malloc] = part.split("@");
    return systemsNamed(family as FamilyName, malloc as Malloc | undefined);
  });
  return [...new Map(systems.map((system) => [system.name, system])).values()];
}

function systemsNamed(name: FamilyName, malloc?: Malloc): System[] {
  const { mallocs, ...family }: Family = FAMILIES[name];
  const chosen = malloc === undefined ? mallocs : [malloc];
  return chosen.map((malloc) => ({ ...family, name: `${name}@${malloc}`, malloc }));
}
