import { ExpectedError } from "../../core/problem.ts";

/** MPICH's application binary interface: all its handles are numbers. */
export const MPI = {
  COMM_WORLD: 0x44000000,
  BYTE: 0x4c00010d,
  FLOAT: 0x4c00040a,
  DOUBLE: 0x4c00080b,
  ERRORS_RETURN: 0x54000001,
  THREAD_FUNNELED: 1,
  /** In the place of an address: what is sent lies where it is received. */
  IN_PLACE: 0xffffffffffffffffn,
  STATUS_IGNORE: 1n,
  MAX_ERROR_STRING: 512,
  MAX_LIBRARY_VERSION_STRING: 8192,
} as const;

/**
 * The functions that we call; all give an error code. None that waits for other processes: those would
 * keep a core busy meanwhile. Addresses that are not those of arrays are `usize`.
 */
const SYMBOLS = {
  MPI_Init_thread: { parameters: ["usize", "usize", "i32", "buffer"], result: "i32" },
  MPI_Get_library_version: { parameters: ["buffer", "buffer"], result: "i32" },
  MPI_Comm_set_errhandler: { parameters: ["i32", "i32"], result: "i32" },
  MPI_Comm_rank: { parameters: ["i32", "buffer"], result: "i32" },
  MPI_Comm_size: { parameters: ["i32", "buffer"], result: "i32" },
  // (from, counts, starts, type, to, counts, starts, type, communicator, request)
  MPI_Ialltoallv: {
    parameters: [
      ...["buffer", "buffer", "buffer", "i32"] as const,
      ...["buffer", "buffer", "buffer", "i32"] as const,
      ...["i32", "buffer"] as const,
    ],
    result: "i32",
  },
  // (from, count, type, to, counts, starts, type, communicator, request)
  MPI_Iallgatherv: {
    parameters: ["usize", "i32", "i32", "buffer", "buffer", "buffer", "i32", "i32", "buffer"],
    result: "i32",
  },
  // (from, count, type, to, count, type, communicator, request)
  MPI_Iallgather: {
    parameters: ["buffer", "i32", "i32", "buffer", "i32", "i32", "i32", "buffer"],
    result: "i32",
  },
  // (data, count, type, root, communicator, request)
  MPI_Ibcast: { parameters: ["buffer", "i32", "i32", "i32", "i32", "buffer"], result: "i32" },
  // (request, is it done, status)
  MPI_Test: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  MPI_Error_string: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  MPI_Finalize: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The library's functions. */
export type MpiSymbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * The library's names: Debian's, and that of MPICH itself and of what shares its binary interface.
 * Open MPI's (`libmpi.so.40`) does not.
 */
const NAMES = ["libmpich.so.12", "libmpi.so.12"];

/**
 * Loads MPICH: from where the system's loader finds it (`LD_LIBRARY_PATH`, its cache, its folders).
 *
 * @param names file names or paths, tried in turn
 * @throws ExpectedError when there is none, or it is another library
 */
export function loadMpi(names: readonly string[] = NAMES): MpiSymbols {
  const reasons: string[] = [];
  for (const name of names) {
    try {
      const { symbols } = Deno.dlopen(name, SYMBOLS);
      requireMpich(name, symbols);
      return symbols;
    } catch (error) {
      if (error instanceof ExpectedError) throw error;
      reasons.push((error as Error).message);
    }
  }
  throw new ExpectedError(
    `MPICH is not there, which several processes need (Debian and Ubuntu: apt-get install mpich; ` +
      `elsewhere, LD_LIBRARY_PATH names the folder of libmpi.so.12). ${reasons.join("; ")}`,
  );
}

function requireMpich(name: string, symbols: MpiSymbols): void {
  const text = new Uint8Array(MPI.MAX_LIBRARY_VERSION_STRING);
  const length = new Int32Array(1);
  symbols.MPI_Get_library_version(text, length);
  const version = new TextDecoder().decode(text.subarray(0, length[0]));
  if (/^MPICH\b/.test(version)) return;
  const found = version.split("\n")[0].trim();
  throw new ExpectedError(`Expected ${name} to be MPICH but found ${found}.`);
}

/** What an error code says. */
export function mpiErrorText(symbols: MpiSymbols, code: number): string {
  const text = new Uint8Array(MPI.MAX_ERROR_STRING);
  const length = new Int32Array(1);
  symbols.MPI_Error_string(code, text, length);
  return new TextDecoder().decode(text.subarray(0, length[0]));
}
