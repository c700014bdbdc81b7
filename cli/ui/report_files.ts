import { extname, join } from "node:path";
import { PAGE_FILE } from "../published_reports.ts";
import { COMMON_HEADERS } from "./page.ts";

/**
 * A report brings its own style and script, and its own policy that admits these alone. Whatever it
 * holds, it loads and tells nothing, and is of no origin, so that it cannot read the other pages.
 */
const REPORT_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "sandbox allow-scripts allow-forms allow-downloads allow-popups allow-popups-to-escape-sandbox",
].join("; ");

const TEXT = "text/plain; charset=utf-8";

/** How a browser is to take a file; others are for downloading. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".pdf": "application/pdf",
  ".csv": "text/csv; charset=utf-8",
  ".json": "application/json",
  ".md": TEXT,
  ".tex": TEXT,
  ".bib": TEXT,
  ".txt": TEXT,
};

/** What a path below `/reports/` leads to. */
export type Found =
  | { readonly what: "file"; readonly path: string }
  /** A report's folder that was asked for without the `/` at its end, on which its links rest. */
  | { readonly what: "folder" };

/**
 * The file of a path below `/reports/`, or null. A folder is its page, never a list. No part of a path
 * may lead up, hide, or be a link: what is found lies in the folder itself.
 *
 * @param folder the store's `reports/`
 * @param path what follows `/reports/` in a URL, still encoded
 */
export async function findReportFile(folder: string, path: string): Promise<Found | null> {
  const parts = path.split("/").map(decodePart);
  const isFolder = parts.at(-1) === "";
  if (isFolder) parts[parts.length - 1] = PAGE_FILE;
  return await asFile(folder, parts) ?? (isFolder ? null : await asFolder(folder, parts));
}

/** An answer that holds the file, as it is. */
export async function fileResponse(path: string): Promise<Response> {
  const file = await Deno.open(path, { read: true });
  const { size } = await file.stat();
  const type = TYPES[extname(path)];
  return new Response(file.readable, {
    headers: {
      ...COMMON_HEADERS,
      "content-type": type ?? "application/octet-stream",
      ...type === undefined ? { "content-disposition": "attachment" } : {},
      "content-length": String(size),
      "content-security-policy": REPORT_POLICY,
    },
  });
}

type Parts = readonly (string | null)[];

async function asFile(folder: string, parts: Parts): Promise<Found | null> {
  const path = await placeOf(folder, parts);
  if (path === null || !(await Deno.lstat(path)).isFile) return null;
  return { what: "file", path };
}

async function asFolder(folder: string, parts: Parts): Promise<Found | null> {
  return await asFile(folder, [...parts, PAGE_FILE]) === null ? null : { what: "folder" };
}

/** Where the parts lead, if there is something and no link on the way. */
async function placeOf(folder: string, parts: Parts): Promise<string | null> {
  if (!parts.every((part) => part !== null && isPlainName(part))) return null;
  try {
    const root = await Deno.realPath(folder);
    const path = join(root, ...parts as readonly string[]);
    return await Deno.realPath(path) === path ? path : null;
  } catch {
    return null; // nothing there, or nothing that can be reached
  }
}

/** A name of a file or folder that is neither hidden nor leads elsewhere, on any system. */
function isPlainName(part: string): boolean {
  // deno-lint-ignore no-control-regex
  return part !== "" && !part.startsWith(".") && !/[/\\:\u0000-\u001f]/.test(part);
}

function decodePart(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
