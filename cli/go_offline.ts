/** Tells this process, and the workers it starts, to ask nothing of the network. */
export function goOffline(): void {
  for (const name of ["HF_HUB_OFFLINE", "JUDGE_OFFLINE"]) Deno.env.set(name, "1");
}
