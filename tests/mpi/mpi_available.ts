/** Runs programs in several processes, in a network of their own that has the loopback alone. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Why no processes can be started here; null when they can. */
export async function whyNoMpi(): Promise<string | null> {
  for (const [program, ...args] of [["mpiexec", "--version"], ["unshare", "-n", "ip", "link"]]) {
    try {
      const { success } = await new Deno.Command(program, { args, ...QUIET }).output();
      if (!success) return `${[program, ...args].join(" ")} fails`;
    } catch {
      return `${program} not installed (apt-get install mpich)`;
    }
  }
  return null;
}

const QUIET = { stdout: "null", stderr: "null" } as const;

/** The project's folder. */
export const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The words before a command that let it use the loopback of a network of its own, and no other. It has
 * a second address, since names of machines are not looked up where there are but 127.0.0.1 and ::1.
 */
export const ON_LOOPBACK = [
  ...["unshare", "-n", "sh", "-c"],
  'ip link set lo up && ip addr add 10.77.0.1/32 dev lo && exec "$@"',
  "sh",
];

/** A command that may use nothing but the loopback. */
export function onLoopback(words: readonly string[]): Deno.Command {
  const [program, ...args] = [...ON_LOOPBACK, ...words];
  return new Deno.Command(program, {
    args,
    cwd: PROJECT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** The words that start a module of `tests/mpi` in several processes. */
export function inProcesses(count: number, module: string, ...args: string[]): string[] {
  return [
    ...["mpiexec", "-n", String(count), Deno.execPath(), "run", "--no-prompt", "--cached-only"],
    ...["--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-ffi"],
    join(PROJECT, "tests/mpi", module),
    ...args,
  ];
}

/** What a program printed, once it has ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function ended(command: Deno.Command): Promise<Ended> {
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
