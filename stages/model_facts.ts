/**
 * Facts of the runtime that change what a model computes: keys of stages that run one hold them. The
 * version is written out so that planning loads no native library; a test holds it to the truth.
 */
export function modelFacts(): { onnxruntime: string; provider: string; dtype: string } {
  return { onnxruntime: "1.29.0", provider: "cpu", dtype: "float32" };
}
