import { OnnxruntimeNode } from "../../../train/runtime/onnxruntime_node.ts";
import { testRuntime } from "./contract.ts";

testRuntime("OnnxruntimeNode", { open: (options) => new OnnxruntimeNode(options), halves: false });
