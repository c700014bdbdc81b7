import type { AuditCode } from "./audit_checks.ts";
import type { PromptDigests } from "./tokenize.ts";

/** The prompts of a training set and of the evaluation sets so far, by their digests. */
export class SeenPrompts {
  readonly #exact = new Set<string>();
  readonly #normalised = new Set<string>();
  /** The first evaluation set that has a prompt. */
  readonly #evaluated = new Map<string, string>();

  /** Takes in a prompt of the training set. */
  add({ promptDigest, promptDigestNormalised }: PromptDigests): void {
    this.#exact.add(promptDigest);
    this.#normalised.add(promptDigestNormalised);
  }

  /** Whether it has a prompt: exactly, or but for case, white space and Unicode form. */
  has({ promptDigest, promptDigestNormalised }: PromptDigests): "exact" | "nearly" | null {
    if (this.#exact.has(promptDigest)) return "exact";
    return this.#normalised.has(promptDigestNormalised) ? "nearly" : null;
  }

  /** Takes in a prompt of an evaluation set; what is to be said of it. */
  evaluation(digests: PromptDigests, set: string): AuditCode[] {
    const codes = this.leaks(digests);
    const { promptDigestNormalised } = digests;
    const first = this.#evaluated.get(promptDigestNormalised);
    if (first === undefined) this.#evaluated.set(promptDigestNormalised, set);
    else if (first !== set) codes.push("evaluation-overlap");
    return codes;
  }

  /** Whether a prompt is one of the training set's, as codes. */
  leaks(digests: PromptDigests): AuditCode[] {
    const found = this.has(digests);
    if (found === null) return [];
    return [found === "exact" ? "prompt-overlap" : "prompt-overlap-normalised"];
  }
}
