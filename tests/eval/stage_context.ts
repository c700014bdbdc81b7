import type { InputArtifact, Stage, StageContext } from "../../pipeline/stage.ts";

/** An input of a stage under test: its folder, and where it is said to come from. */
export interface TestInput {
  readonly path: string;
  readonly from?: string;
  readonly axes?: InputArtifact["axes"];
}

/**
 * Runs a stage outside the pipeline.
 *
 * @param outputs folder that gets one folder a port
 * @returns the outputs' folders and the lines logged
 */
export async function runStage<P>(
  stage: Stage<P>,
  { params, inputs, outputs }: {
    readonly params: unknown;
    readonly inputs: Readonly<Record<string, string | readonly TestInput[]>>;
    readonly outputs: string;
  },
): Promise<{ folders: Record<string, string>; log: string[] }> {
  const log: string[] = [];
  const folders = Object.fromEntries(
    Object.keys(stage.outputs).map((port) => [port, `${outputs}/${port}`]),
  );
  for (const folder of Object.values(folders)) await Deno.mkdir(folder, { recursive: true });
  const artifacts = (port: string): InputArtifact[] => {
    if (!(port in stage.inputs)) throw new RangeError(`${stage.name} declares no input ${port}.`);
    const given = inputs[port] ?? [];
    const list = typeof given === "string" ? [{ path: given }] : given;
    return list.map(({ path, from = "test", axes = {} }: TestInput) => ({
      path,
      from,
      axes,
      type: stage.inputs[port].type,
      digest: `digest of ${path}`,
    }));
  };
  const context: StageContext<P> = {
    params: stage.params.parse(params),
    instanceId: stage.name,
    run: "0001",
    inputs: artifacts,
    input: (port) => artifacts(port)[0],
    output: (port) => folders[port],
    scratch: outputs,
    cache: () => outputs,
    signal: new AbortController().signal,
    progress: () => {},
    measure: () => {},
    log: (message) => log.push(message),
    warn: (message) => log.push(message),
  };
  await stage.run(context);
  return { folders, log };
}
