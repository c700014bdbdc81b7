/** VmHWM of this process. Deno hides /proc from programs without all permissions; `cat` sees it. */
export async function peakBytes(): Promise<number> {
  const command = new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] });
  const status = new TextDecoder().decode((await command.output()).stdout);
  return Number(status.match(/VmHWM:\s+(\d+)/)![1]) * 1024;
}
