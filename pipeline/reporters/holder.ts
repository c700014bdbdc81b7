import { visibleText } from "../../core/visible_text.ts";

/** The process that an instance waits for. */
export function formatHolder(
  { pid, host }: { readonly pid: number | null; readonly host: string | null },
): string {
  if (pid === null) return "another process";
  return host === null ? `process ${pid}` : `process ${pid} on ${visibleText(host)}`;
}
