import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Where a Chromium may be; `BALLAST_CHROMIUM` names another. */
const CHROMIUM = [
  Deno.env.get("BALLAST_CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && exists(path));

/** A test in a real browser, which is shown as ignored where there is none. */
export function browserTest(name: string, test: (browser: Browser) => Promise<void>): void {
  Deno.test({
    name: `${name}${CHROMIUM === undefined ? " (needs chromium, or BALLAST_CHROMIUM)" : ""}`,
    ignore: CHROMIUM === undefined,
    // The browser's process and pipes are closed with it, but not within the test's own count.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      // Else a package in it looks into /proc, for which Deno wants every permission at once.
      Deno.env.set("__IS_WSL_TEST__", "1");
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
      });
      try {
        await test(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

/** A page that notes what a quiet page does not do. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors on the console, exceptions, dialogs, and requests for anything but the page itself. */
  readonly problems: string[];
}

/** Opens an address; requests for other ones are refused and noted. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const problems: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("dialog", async (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address) problems.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, problems };
}

/** Whether a page is wider than what shows it, which makes people scroll to the side. */
export async function assertFits(page: Page): Promise<void> {
  const [wide, shown] = await page.evaluate(
    "[document.documentElement.scrollWidth, innerWidth]",
  ) as [
    number,
    number,
  ];
  assert.ok(wide <= shown, `the page is ${wide} wide in a window of ${shown}`);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
