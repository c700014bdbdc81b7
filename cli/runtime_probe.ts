/** Prints which runtime a worker would compute with; `ballast doctor` runs it with a worker's rights. */
import { openRuntime } from "../train/runtime/open_runtime.ts";
import { loadLibrary } from "../train/runtime/onnxruntime_library.ts";
import { printResult } from "./output.ts";

const { name, version } = await openRuntime({ threads: 1 });
const loaded = loadLibrary();
const why = "unavailable" in loaded ? `; not onnxruntime-ffi: ${loaded.unavailable}` : "";
printResult(`${version} through ${name}${why}`);
