import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { testRuntime } from "./contract.ts";
import { ignore, unless } from "./ffi_available.ts";

testRuntime(`OnnxruntimeFfi${unless}`, {
  open: (options) => openRuntime({ ...options, implementation: "ffi" }),
  halves: true,
  ignore,
});
