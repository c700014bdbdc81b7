import { loadLibrary } from "../../../train/runtime/onnxruntime_library.ts";

const loaded = loadLibrary();

/** This process cannot use the runtime through the C API: what needs it is ignored. */
export const ignore = "unavailable" in loaded;

/** Why, to end the names of ignored tests with. */
export const unless = "unavailable" in loaded ? ` (ignored: ${loaded.unavailable})` : "";
