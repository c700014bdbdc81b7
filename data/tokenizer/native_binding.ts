import { createRequire } from "node:module";

/** The package that holds the library, by the platform that Deno was built for. */
const PACKAGES: Readonly<Record<string, string>> = {
  "x86_64-unknown-linux-gnu": "linux-x64-gnu",
  "aarch64-unknown-linux-gnu": "linux-arm64-gnu",
  "x86_64-apple-darwin": "darwin-universal",
  "aarch64-apple-darwin": "darwin-universal",
  "x86_64-pc-windows-msvc": "win32-x64-msvc",
};

/**
 * The native binding of the `tokenizers` crate. It is opened without the package's own front: that
 * asks for a report on the whole system, network interfaces included, to tell which C library there
 * is, and stages may see nothing of that.
 *
 * @throws Error when there is none for the platform, when it is not installed, or may not be opened
 */
export function loadNativeBinding(): typeof import("@anush008/tokenizers") {
  const name = PACKAGES[Deno.build.target];
  if (name === undefined) throw new Error(`there is none for ${Deno.build.target}`);
  const require = createRequire(import.meta.resolve("@anush008/tokenizers"));
  return require(`@anush008/tokenizers-${name}`);
}
