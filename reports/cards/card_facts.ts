import type { Json } from "../../core/json.ts";

/** The model that training began with, as far as it names itself. */
export interface BaseFacts {
  /** Its repository on the hub, such as `HuggingFaceTB/SmolLM2-135M-Instruct`; null where none is known. */
  readonly name: string | null;
  /** The commit that was taken, where it is known. */
  readonly revision: string | null;
  /** The type that most weights had in the GGUF file they were read from; null where there was none. */
  readonly ggufType: string | null;
  /** As its own files state it; null where they do not. */
  readonly license: string | null;
  /** What they call it where that is `other`, the hub's mark for one that it has no short name of. */
  readonly licenseName: string | null;
  /** The file and field that state the licence. */
  readonly licenseSource: string | null;
  /** Weights were random before training: there is no base. */
  readonly fromScratch: boolean;
}

/** What was written. */
export interface WeightsFacts {
  readonly family: string;
  /** Numbers that the model holds; of an adapter, those of the adapter. */
  readonly parameters: number;
  readonly dtype: string;
  /** Null where there is none. */
  readonly adapter: {
    /** Its sums are in the weights: what was written is a whole model. */
    readonly merged: boolean;
    readonly rank: number;
    readonly alpha: number;
    readonly targets: readonly string[];
  } | null;
  readonly hasChatTemplate: boolean;
}

/** One stage on the way from the base to the weights, most often a training. */
export interface TrainingFacts {
  /** `train/rpo-sum@seed=0`. */
  readonly instance: string;
  readonly key: string;
  /** The stage's parameters, defaults filled in, none of them a path. */
  readonly params: Readonly<Record<string, Json>>;
  /** Digests of the files that parameters name, by parameter. */
  readonly sources: Readonly<Record<string, string>>;
  /** Training steps; null for a stage that trains nothing. */
  readonly steps: number | null;
  /** What it was trained on; null where that cannot be told. */
  readonly pairs: PairsFacts | null;
  /** What the stage said and warned of when it ran. */
  readonly remarks: readonly string[];
}

/** Pairs (or demonstrations) that a model was trained on. */
export interface PairsFacts {
  /** What made them: `data.train`. */
  readonly origin: string;
  readonly stage: string;
  /** That stage's parameters, none of them a path. */
  readonly params: Readonly<Record<string, Json>>;
  readonly sources: Readonly<Record<string, string>>;
  /** The data set on the hub; null where it is none. */
  readonly dataset: { readonly name: string; readonly revision: string } | null;
  /** As the recipe states it. */
  readonly license: string | null;
  readonly digest: string;
  readonly count: number;
  readonly tokens: {
    readonly digest: string;
    readonly pairs: number;
    readonly tokens: number;
    readonly maxLength: number;
    readonly maxPromptLength: number;
  };
  /** What the stage said and warned of when it ran, such as what it dropped. */
  readonly remarks: readonly string[];
  readonly audits: readonly {
    readonly instance: string;
    readonly digest: string;
    readonly findings: readonly {
      readonly set: string;
      readonly severity: string;
      readonly accepted: boolean;
      readonly message: string;
    }[];
  }[];
}

/** What one evaluation measured. */
export interface MeasuredFacts {
  readonly instance: string;
  readonly digest: string;
  readonly metrics: readonly {
    readonly label: string;
    readonly unit: string;
    readonly describe: string;
    readonly digits: number;
    readonly mean: number;
    readonly interval: readonly [number, number] | null;
    readonly n: number;
  }[];
}

/** Where exported weights come from in a store. */
export interface OriginFacts {
  readonly recipe: string;
  readonly instance: string;
  readonly key: string;
  readonly digest: string;
}

/** All that a model card says. Any text in it may be untrusted. */
export interface CardFacts {
  /** Null for a model that is no result of a recipe. */
  readonly origin: OriginFacts | null;
  readonly base: BaseFacts;
  readonly weights: WeightsFacts;
  /** From the first to the last. */
  readonly training: readonly TrainingFacts[];
  readonly measured: readonly MeasuredFacts[];
}
