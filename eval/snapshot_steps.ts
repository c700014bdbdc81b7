/** The steps that a folder of snapshots holds, ascending. */
export async function readSnapshotSteps(folder: string): Promise<number[]> {
  const { steps } = JSON.parse(await Deno.readTextFile(`${folder}/index.json`)) as {
    steps: number[];
  };
  return [...steps].sort((a, b) => a - b);
}
