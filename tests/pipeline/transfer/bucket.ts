import { fileURLToPath } from "node:url";
import { TextLineStream } from "../../../pipeline/text_lines.ts";

/** A service with a bucket `lab` on this machine; ended when it goes out of scope. */
export interface Bucket extends AsyncDisposable {
  readonly endpoint: string;
}

/** Who may ask it. */
export const BUCKET_KEYS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" } as const;

/** Starts it in a process of its own: it needs to know the umask. */
export async function openBucket(directory: string): Promise<Bucket> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--cached-only", "--allow-net=127.0.0.1", "--allow-read"],
      ...[`--allow-write=${directory}`, "--allow-env", "--allow-sys"],
      ...[fileURLToPath(new URL("bucket_child.ts", import.meta.url)), directory],
    ],
    cwd: fileURLToPath(new URL("../../../", import.meta.url)),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextLineStream()).getReader();
  const { value: port } = await lines.read();
  if (port === undefined) throw new Error("The bucket's process ended before it was ready.");
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await lines.cancel();
    },
  };
}
