import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { likelyTokens } from "../../../eval/judge/cost.ts";
import { SHARED, sharedTest } from "../../shared.ts";

Deno.test("likelyTokens() counts every byte but for letters and spaces, of which three make one", () => {
  assert.equal(likelyTokens(""), 0);
  assert.equal(likelyTokens("two words\n"), 4);
  assert.equal(likelyTokens("x=12;"), 5);
  assert.equal(likelyTokens("é"), 2);
  assert.equal(likelyTokens("早餐 ok"), 6 + 1);
});

/** The same sort of sentence in several scripts, and texts that are no sentences. */
const SCRIPTS = {
  german: "Übermäßig große Straßenbahnen überqueren täglich die schöne alte Brücke.",
  vietnamese: "Hôm nay trời đẹp quá, chúng ta hãy cùng nhau đi dạo quanh hồ nhé.",
  russian: "Сегодня утром мы пошли на рынок и купили свежие овощи и хлеб.",
  arabic: "ذهبنا إلى السوق صباح اليوم واشترينا الخضروات الطازجة.",
  hindi: "आज सुबह हम बाज़ार गए और ताज़ी सब्ज़ियाँ खरीदीं।",
  thai: "เช้านี้เราไปตลาดและซื้อผักสด",
  amharic: "ዛሬ ጠዋት ወደ ገበያ ሄደን ትኩስ አትክልቶችን ገዛን።",
  chinese: "今天早上我们去市场买了新鲜的蔬菜、面包和一些奶酪当早餐。",
  japanese: "今朝は市場に行って、新鮮な野菜とパンを買いました。",
  korean: "오늘 아침에 우리는 시장에 가서 신선한 채소를 샀습니다.",
  emoji: "😀🎉👩‍👩‍👧🏳️‍🌈🚀🔥🥑🫠",
  digits: "31415926535897932384626433832795028841971693993751",
  code: "for(let i=0;i<n;i++){a[i]=b[i]^c[j--];}//xy\n\tif(!p)return q?.r??s;",
};

sharedTest(
  "likelyTokens() is no less than SmolLM2's tokenizer counts (minified code apart, by 5%), and rather more of real texts",
  "models/smollm2_tokenizer",
  async () => {
    const loaded = await loadTokenizer(join(SHARED, "models/smollm2_tokenizer"), { native: false });
    const count = async (texts: readonly string[]) =>
      (await loaded.encodeAll(texts)).map(({ length }) => length);
    const counts = await count(Object.values(SCRIPTS));
    for (const [i, [script, text]] of Object.entries(SCRIPTS).entries()) {
      assert(
        counts[i] <= 1.05 * likelyTokens(text),
        `${script}: ${counts[i]} > ${likelyTokens(text)}`,
      );
      const bytes = new TextEncoder().encode(text).length;
      assert(counts[i] > bytes / 3, `${script}: a token for every three bytes is too few`);
    }
    const rows = (await Deno.readTextFile(join(SHARED, "data/ultrafeedback/test_prefs.jsonl")))
      .trimEnd().split("\n").map((line) => JSON.parse(line));
    const texts: string[] = rows.flatMap(({ prompt, chosen, rejected }) => [
      ...[prompt, chosen, rejected],
    ]);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const share = sum(texts.map(likelyTokens)) / sum(await count(texts));
    assert(share > 1.2 && share < 2, `${share} of what it counts`);
  },
);
