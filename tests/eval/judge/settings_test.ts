import assert from "node:assert/strict";
import { judgeHosts, readJudgeSettings } from "../../../eval/judge/settings.ts";

const read = (variables: Record<string, string>) => readJudgeSettings((name) => variables[name]);

Deno.test("readJudgeSettings() takes address, key and model from the environment", () => {
  const settings = read({
    JUDGE_BASE_URL: " https://api.example.org/v1/ ",
    JUDGE_API_KEY: "sk-1\n",
    JUDGE_MODEL: "gpt",
  });
  assert.deepEqual(settings, {
    baseUrl: "https://api.example.org/v1",
    apiKey: "sk-1",
    model: "gpt",
    offline: false,
  });
  assert.deepEqual(judgeHosts(settings), ["api.example.org:443"]);
  assert.deepEqual(judgeHosts({ ...settings, offline: true }), []);
  assert.deepEqual(judgeHosts(read({})), []);
  assert.deepEqual(judgeHosts(read({ JUDGE_BASE_URL: "http://127.0.0.1:8000/v1" })), [
    "127.0.0.1:8000",
  ]);
  assert.equal(read({ JUDGE_OFFLINE: "1" }).offline, true);
});

Deno.test("readJudgeSettings() refuses what cannot work, and shows neither key nor what may hold one", () => {
  const refuses = (variables: Record<string, string>, message: string) =>
    assert.throws(() => read(variables), { name: "InputError", message });
  refuses(
    { JUDGE_BASE_URL: "sk-secret", JUDGE_API_KEY: "ключ" },
    "2 problems:\n" +
      "  JUDGE_BASE_URL: Expected an address such as https://api.example.org/v1 but found another text (it is not shown).\n" +
      "  JUDGE_API_KEY: Expected a key of printable characters but found others (it is not shown).",
  );
  refuses(
    { JUDGE_BASE_URL: "https://user:secret@a.example/v1" },
    "JUDGE_BASE_URL: Expected an address alone but found a name, a query or a fragment with https://a.example.",
  );
  refuses(
    { JUDGE_BASE_URL: "http://a.example/v1", JUDGE_API_KEY: "sk-1" },
    "JUDGE_BASE_URL: Expected https, since JUDGE_API_KEY would be sent in the clear, but found http://a.example.",
  );
});
