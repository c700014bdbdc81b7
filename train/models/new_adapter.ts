import { type Adapter, initializeAdapter } from "./adapter.ts";
import { type Target, TARGET_NAMES } from "./adapter_config.ts";
import type { ModelConfig } from "./config.ts";

/** What is said of an adapter that is not there yet. */
export interface NewAdapter {
  readonly rank: number;
  /** Twice the rank unless given. */
  readonly alpha?: number;
  /** All matrices unless given. */
  readonly targets?: readonly Target[];
}

/** An adapter before training, with what was not said filled in. */
export function newAdapter(
  { rank, alpha = 2 * rank, targets = TARGET_NAMES }: NewAdapter,
  options: { readonly model: ModelConfig; readonly seed: number },
): Adapter {
  // One order, whatever the order they were named in: equal adapters, equal bytes.
  const ordered = TARGET_NAMES.filter((name) => targets.includes(name));
  return initializeAdapter({ rank, alpha, targets: ordered, dropout: 0 }, options);
}
