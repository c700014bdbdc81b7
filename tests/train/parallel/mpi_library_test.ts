import assert from "node:assert/strict";
import { loadMpi } from "../../../train/parallel/mpi_library.ts";
import { libraryPath } from "../../../train/runtime/library_path.ts";

Deno.test("loadMpi() says where it looked for MPICH", () => {
  assert.throws(() => loadMpi(["libmpi-of-nowhere.so.12"]), {
    name: "ExpectedError",
    message: /^MPICH is not there, .*apt-get install mpich.*libmpi-of-nowhere\.so\.12/,
  });
});

Deno.test("loadMpi() takes no library that lacks MPI's functions", () => {
  assert.throws(() => loadMpi([libraryPath()!]), { name: "ExpectedError", message: /MPI_/ });
});
