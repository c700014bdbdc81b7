import { hasModules, runPython } from "./run_python.ts";

/** A Python with torch, transformers and peft: BALLAST_PYTHON, else the first `python3`. */
export const PYTHON = Deno.env.get("BALLAST_PYTHON") ?? "python3";

/** What a test's name says where it is ignored. */
export const NEEDS_PEERS =
  "(needs torch, transformers and peft; BALLAST_PYTHON names their Python)";

/** Whether that Python has them. */
export const peersPresent = await hasModules(PYTHON, "torch", "transformers", "peft");

/** What transformers, or peft with it, makes of an exported folder. */
export interface PeerRequest {
  /** The model's folder. */
  readonly model: string;
  /** A folder of PEFT's to put over it. */
  readonly adapter?: string;
  /** The folder whose tokenizer is taken; the model's without one. */
  readonly tokenizer?: string;
  readonly prompts: readonly (readonly number[])[];
  /** Texts to tokenize. */
  readonly texts: readonly string[];
  /** A user's message to render with its chat template; left out where it has none. */
  readonly chat?: string;
}

/** Its answer. */
export interface PeerAnswer {
  /** Logits that follow each token of each prompt (T, V), row-major. */
  readonly logits: readonly Float32Array[];
  readonly dtype: string;
  readonly ids: readonly (readonly number[])[];
  readonly chat: string | null;
  readonly special: readonly (string | null)[];
  /** `base_model_name_or_path` of the adapter. */
  readonly base: string | null;
}

/** Asks them of one folder after another, without network; to start takes them longest. */
export async function askPeers(requests: readonly PeerRequest[]): Promise<PeerAnswer[]> {
  const script = new URL("peers.py", import.meta.url);
  const answers = JSON.parse(await runPython(PYTHON, script, requests)) as (PeerAnswer & {
    readonly logits: readonly string[];
  })[];
  return answers.map((answer) => ({ ...answer, logits: answer.logits.map(floats) }));
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}
