import assert from "node:assert/strict";
import { join } from "node:path";
import { fileResponse, findReportFile } from "../../../cli/ui/report_files.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";

/** A store with two reports and a secret beside them; returns the folder `reports`. */
async function makeReports(root: string): Promise<string> {
  const files = {
    "secret.json": "secret",
    "reports/tiny/index.html": "<p>tiny</p>",
    "reports/tiny/table.csv": "a,b",
    "reports/tiny/tool.js": "alert(1)",
    "reports/tiny/.published": "keys",
    "reports/tiny/figures/logps.svg": "<svg/>",
    "reports/two/a%2Fb/index.html": "<p>two</p>",
    "outside/index.html": "secret",
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(root, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
  await Deno.symlink(join(root, "secret.json"), join(root, "reports/tiny/link.json"));
  await Deno.symlink(join(root, "outside"), join(root, "reports/linked"));
  await Deno.symlink(join(root, "reports/tiny/table.csv"), join(root, "reports/tiny/inner.csv"));
  return join(root, "reports");
}

Deno.test("a report's files are found by their path, a folder by its page", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = await makeReports(scratch.path);
  const found = async (path: string) => {
    const found = await findReportFile(folder, path);
    return found?.what === "file" ? found.path.slice(folder.length + 1) : found?.what ?? null;
  };
  assert.equal(await found("tiny/"), "tiny/index.html");
  assert.equal(await found("tiny/index.html"), "tiny/index.html");
  assert.equal(await found("tiny/figures/logps.svg"), "tiny/figures/logps.svg");
  assert.equal(await found("two/a%252Fb/"), "two/a%2Fb/index.html");
  assert.equal(await found("tiny"), "folder");
});

Deno.test("no path lists a folder, leads out of the reports, or shows what is hidden", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = await makeReports(scratch.path);
  const paths = [
    ...["", "/", "two/", "two", "tiny/figures/", "tiny/figures", "nothing", "tiny/table.csv/"],
    ...["../secret.json", "tiny/../../secret.json", "..%2fsecret.json", "..%2Fsecret.json"],
    ...["%2e%2e/secret.json", "%2e%2e%2fsecret.json", "..%5csecret.json", "tiny\\index.html"],
    ...["%252e%252e/secret.json", "..%252fsecret.json", "tiny/..;/secret.json"],
    ...["tiny/%00", "tiny/index.html%00.svg", "%", "%ff", "tiny/%c0%ae%c0%ae/secret.json"],
    ...["/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "C:/secret.json", "tiny/./index.html"],
    ...["tiny/.published", ".", "..", "./tiny/index.html", "tiny//index.html", "x".repeat(5000)],
    ...["tiny/link.json", "linked/", "linked/index.html", "linked", "tiny/inner.csv"],
  ];
  for (const path of paths) assert.equal(await findReportFile(folder, path), null, path);
  assert.equal(await findReportFile(join(folder, "absent"), "tiny/"), null);
});

Deno.test("a file is told to be what its name says, and can load and tell nothing", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = await makeReports(scratch.path);
  const page = await fileResponse(join(folder, "tiny/index.html"));
  assert.equal(await page.text(), "<p>tiny</p>");
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  const policy = page.headers.get("content-security-policy")!;
  for (const rule of ["default-src 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), policy);
  }
  assert.match(policy, /; sandbox allow-scripts/);
  assert.doesNotMatch(policy, /allow-same-origin|connect-src|https?:/);
  const script = await fileResponse(join(folder, "tiny/tool.js"));
  assert.equal(script.headers.get("content-type"), "application/octet-stream");
  assert.equal(script.headers.get("content-disposition"), "attachment");
  await script.body!.cancel();
});
