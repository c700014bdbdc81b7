import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { testRuntime } from "../train/runtime/contract.ts";
import { ignore, unless } from "./cuda_available.ts";

testRuntime(`OnnxruntimeFfi on a GPU${unless}`, {
  open: (options) => openRuntime({ ...options, device: "cuda:0" }),
  halves: true,
  onDevice: true,
  ignore,
});
