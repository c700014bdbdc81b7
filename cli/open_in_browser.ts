/** The command that opens an address or a file as the person's system does, by platform. */
const OPENERS: Readonly<Partial<Record<typeof Deno.build.os, readonly string[]>>> = {
  linux: ["xdg-open"],
  freebsd: ["xdg-open"],
  netbsd: ["xdg-open"],
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Milliseconds after which an opener that goes on has opened what it was to open. */
const SETTLED = 3000;

/**
 * Opens an address or a file in the browser. The target is an argument of its own, which no shell reads.
 *
 * @param target an http address of this machine, or a path
 * @returns why it could not be opened; null when it was
 */
export async function openInBrowser(target: string): Promise<string | null> {
  const [command, ...words] = OPENERS[Deno.build.os] ?? [];
  if (command === undefined) return `no way to open a browser on ${Deno.build.os} is known here`;
  try {
    const child = new Deno.Command(command, {
      args: [...words, target],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    child.unref();
    const status = await Promise.race([child.status, settled()]);
    return status === null || status.success ? null : `${command} ended with ${status.code}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no command ${command}`;
    throw error;
  }
}

/** Some openers are the browser itself and end with it. */
function settled(): Promise<null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), SETTLED);
    Deno.unrefTimer(timer);
  });
}
