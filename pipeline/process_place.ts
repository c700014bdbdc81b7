/** Set by MPICH's mpiexec in each process that it starts: its number, from 0. */
export const PLACE_VARIABLE = "PMI_RANK";

/** The number of this process among those that mpiexec started; 0 where it started none. */
export function processPlace(): number {
  return Number(Deno.env.get(PLACE_VARIABLE) ?? 0);
}
