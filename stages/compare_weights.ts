import type { Difference } from "../pipeline/artifact.ts";
import type { FileComparison } from "../pipeline/file_artifact.ts";

/**
 * Compares two safetensors files tensor by tensor: those that differ by more than the tolerance,
 * relative to the tensor's largest magnitude, with their largest difference.
 */
export const compareWeights: FileComparison = async (name, before, after, tolerance) => {
  if (!name.endsWith(".safetensors")) return undefined;
  const { readSafetensors } = await import("../train/models/safetensors.ts");
  const [a, b] = [(await readSafetensors(before)).tensors, (await readSafetensors(after)).tensors];
  const differences: Difference[] = [];
  for (const tensor of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [left, right] = [a.get(tensor), b.get(tensor)];
    const path = `${name}: ${tensor}`;
    if (left === undefined || right === undefined || left.dims.join() !== right.dims.join()) {
      differences.push({ path, before: shape(left?.dims), after: shape(right?.dims) });
      continue;
    }
    const gap = largestGap(left.data, right.data);
    if (gap.difference > tolerance * gap.magnitude) {
      const relative = (gap.difference / gap.magnitude).toExponential(1);
      differences.push({
        path,
        before: shape(left.dims),
        after: `${shape(right.dims)}, off by ${relative} of its largest`,
      });
    }
  }
  return differences;
};

function shape(dims: readonly number[] | undefined): string {
  return dims === undefined ? "absent" : `[${dims.join(", ")}]`;
}

function largestGap(a: Float32Array, b: Float32Array): { difference: number; magnitude: number } {
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    magnitude = Math.max(magnitude, Math.abs(a[i]));
  }
  return { difference, magnitude };
}
