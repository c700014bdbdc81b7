/** Prints which runtime a worker would compute with; `ballast doctor` runs it with a worker's rights. */
import { openRuntime } from "../train/runtime/open_runtime.ts";
import { printResult } from "./output.ts";

const { description, version } = await openRuntime({ threads: 1 });
printResult(`${version} through ${description}`);
