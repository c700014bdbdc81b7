import { GGMLQuantizationType } from "@huggingface/gguf";
import type { GgufHeader, GgufTensor } from "../../core/gguf_file.ts";
import { type Problem, refuseProblems } from "../../core/problem.ts";
import { BLOCK_TYPES, type BlockType } from "./dequantise.ts";
import { storedBytes, type StoredTensor } from "./stored_tensor.ts";

const TYPES: ReadonlyMap<number, BlockType> = new Map(
  Object.values(BLOCK_TYPES).map((type) => [type.id, type]),
);

/**
 * Where each tensor of a GGUF file lies, by llama.cpp's names. As in ggml's own reader, each must begin
 * where the one before it ends, rounded up to the file's alignment.
 *
 * @throws InputError with up to 20 tensors whose type is not read or whose place does not fit the file,
 * and how many more there are
 */
export function placeTensors(header: GgufHeader): Map<string, StoredTensor> {
  const problems: Problem[] = [];
  const placed = header.tensors.flatMap((tensor) => place(tensor, header, problems));
  if (problems.length === 0) checkPlaces(placed, header, problems);
  refuseProblems(problems);
  return new Map(placed.map((tensor) => [tensor.name, tensor]));
}

function place(tensor: GgufTensor, header: GgufHeader, problems: Problem[]): StoredTensor[] {
  const { path, dataOffset, size } = header;
  const { name, dims, offset } = tensor;
  const report = (message: string) => {
    problems.push({ path: `${path}: ${name}`, message });
    return [];
  };
  const type = TYPES.get(tensor.type);
  if (type === undefined) {
    const known = Object.keys(BLOCK_TYPES).join(", ");
    const found = GGMLQuantizationType[tensor.type] ?? `type ${tensor.type}`;
    return report(`Expected a tensor of ${known} but found ${found}.`);
  }
  const row = dims.at(-1)!;
  if (row % type.values !== 0) {
    return report(`Expected rows of whole blocks of ${type.values} numbers but found ${row}.`);
  }
  const placed = { path, name, dims, type, begin: dataOffset + offset };
  const end = placed.begin + storedBytes(placed);
  if (end <= size) return [placed];
  return report(
    `Expected it to end within the file's ${size} bytes but found that it ends at ${end}.`,
  );
}

function checkPlaces(
  placed: readonly StoredTensor[],
  { path, dataOffset, alignment }: GgufHeader,
  problems: Problem[],
): void {
  let expected = dataOffset;
  for (const tensor of [...placed].sort((a, b) => a.begin - b.begin)) {
    const { name, begin } = tensor;
    if (begin !== expected) {
      const wrong = begin < expected ? "overlaps the one before" : "leaves bytes unexplained";
      const message = `Expected it to begin at byte ${expected} but found ${begin}: it ${wrong}.`;
      problems.push({ path: `${path}: ${name}`, message });
    }
    expected = Math.ceil((begin + storedBytes(tensor)) / alignment) * alignment;
  }
}
