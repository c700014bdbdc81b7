/** The nouns of the world, by category, in the order of their token ids. */
export const CATEGORIES = {
  fruits: "apple pear plum grape lemon cherry mango fig".split(" "),
  animals: "dog cat horse cow sheep goat fox bear".split(" "),
  colours: "red blue green pink black white brown grey".split(" "),
  tools: "hammer saw drill wrench axe spade rake knife".split(" "),
  drinks: "tea milk juice water coffee cocoa cider soda".split(" "),
  clothes: "shirt hat coat sock shoe scarf glove belt".split(" "),
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Category = keyof typeof CATEGORIES;

export const CATEGORY_NAMES = Object.keys(CATEGORIES) as readonly Category[];

export const NOUNS: readonly string[] = CATEGORY_NAMES.flatMap((name) => CATEGORIES[name]);

/** How the world writes the numbers that its prompts may hold. */
export const NUMBER_WORDS = { 2: "two", 3: "three", 4: "four", 5: "five" } as const;

export const PAD = "<pad>";
export const BOS = "<bos>";
export const SEPARATOR = "<sep>";
export const EOS = "<eos>";
export const STOP = ".";
export const FILLER = "well";

/** All 70 tokens; a token's id is its place. */
export const VOCABULARY: readonly string[] = [
  PAD,
  BOS,
  SEPARATOR,
  EOS,
  STOP,
  ...Object.values(NUMBER_WORDS),
  FILLER,
  ..."name then say times copy reverse".split(" "),
  ...CATEGORY_NAMES,
  ...NOUNS,
];
