import { fileURLToPath } from "node:url";

/** A Python with torch, transformers and peft: BALLAST_PYTHON, else the first `python3`. */
const PYTHON = Deno.env.get("BALLAST_PYTHON") ?? "python3";

/** What a test's name says where it is ignored. */
export const NEEDS_PEERS =
  "(needs torch, transformers and peft; BALLAST_PYTHON names their Python)";

/** Whether that Python has them. */
export const peersPresent = await (async () => {
  try {
    const args = ["-c", "import torch, transformers, peft"];
    return (await new Deno.Command(PYTHON, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
})();

/** What transformers, or peft with it, makes of an exported folder. */
export interface PeerRequest {
  /** The model's folder. */
  readonly model: string;
  /** A folder of PEFT's to put over it. */
  readonly adapter?: string;
  readonly prompts: readonly (readonly number[])[];
  /** Texts to tokenize with the model folder's tokenizer. */
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
  const script = fileURLToPath(new URL("peers.py", import.meta.url));
  const child = new Deno.Command(PYTHON, {
    args: [script],
    env: { HF_HUB_OFFLINE: "1", CUDA_VISIBLE_DEVICES: "" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(requests)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const answers = JSON.parse(new TextDecoder().decode(stdout)) as (PeerAnswer & {
    readonly logits: readonly string[];
  })[];
  return answers.map((answer) => ({ ...answer, logits: answer.logits.map(floats) }));
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}
