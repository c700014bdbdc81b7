/** How ggml stores numbers: in blocks that share a scale, each decoded on its own. */
export interface BlockType {
  /** ggml's number of the type. */
  readonly id: number;
  /** Numbers in a block. */
  readonly values: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** Writes the numbers of whole blocks, one after another, into `out` from `to` on. */
  readonly decode: (bytes: Uint8Array, out: Float32Array, to: number) => void;
}

/** Writes the numbers of one block, which begins at byte `at`, into `out` from `to` on. */
type DecodeBlock = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

/** All half-precision numbers by their bits. */
const HALVES = Float32Array.from(
  new Float16Array(Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits).buffer),
);

/**
 * The types that are read, by ggml's names, as `dequantize_row_*` of ggml-quants.c define them. Every
 * product here is exact in float64, and each number is rounded once, when it is stored as float32. In
 * float32, as in C, the same follows: all products but the last of Q6_K are exact there, too.
 */
export const BLOCK_TYPES = {
  F32: {
    id: 0,
    values: 1,
    bytes: 4,
    decode: (bytes, out, to) => void bytesOf(out, to, bytes.length / 4).set(bytes),
  },
  F16: {
    id: 1,
    values: 1,
    bytes: 2,
    decode(bytes, out, to) {
      for (let at = 0; at < bytes.length; at += 2) out[to + at / 2] = half(bytes, at);
    },
  },
  // The upper half of a float32.
  BF16: {
    id: 30,
    values: 1,
    bytes: 2,
    decode(bytes, out, to) {
      const wide = bytesOf(out, to, bytes.length / 2).fill(0);
      for (let at = 0; at < bytes.length; at += 2) {
        wide[2 * at + 2] = bytes[at];
        wide[2 * at + 3] = bytes[at + 1];
      }
    },
  },
  // 16 bytes hold 32 numbers: the low four bits the first half, the high four the second.
  Q4_0: blocks({ id: 2, values: 32, bytes: 18 }, (bytes, at, out, to) => {
    const scale = half(bytes, at);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[at + 2 + j];
      out[to + j] = ((pair & 15) - 8) * scale;
      out[to + 16 + j] = ((pair >> 4) - 8) * scale;
    }
  }),
  Q4_1: blocks({ id: 3, values: 32, bytes: 20 }, (bytes, at, out, to) => {
    const scale = half(bytes, at);
    const least = half(bytes, at + 2);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[at + 4 + j];
      out[to + j] = (pair & 15) * scale + least;
      out[to + 16 + j] = (pair >> 4) * scale + least;
    }
  }),
  // The fifth bits of all 32 numbers come first, as one word.
  Q5_0: blocks({ id: 6, values: 32, bytes: 22 }, (bytes, at, out, to) => {
    const scale = half(bytes, at);
    for (let j = 0; j < 32; j++) out[to + j] = (fiveBits(bytes, at + 2, j) - 16) * scale;
  }),
  Q5_1: blocks({ id: 7, values: 32, bytes: 24 }, (bytes, at, out, to) => {
    const scale = half(bytes, at);
    const least = half(bytes, at + 2);
    for (let j = 0; j < 32; j++) out[to + j] = fiveBits(bytes, at + 4, j) * scale + least;
  }),
  Q8_0: blocks({ id: 8, values: 32, bytes: 34 }, (bytes, at, out, to) => {
    const scale = half(bytes, at);
    for (let j = 0; j < 32; j++) out[to + j] = signed(bytes[at + 2 + j]) * scale;
  }),
  // Two groups of 32 numbers share 32 bytes: the low four bits are the first group's.
  Q4_K: blocks({ id: 12, values: 256, bytes: 144 }, (bytes, at, out, to) => {
    for (let group = 0; group < 8; group++) {
      const { scale, least } = groupScale(bytes, at, group);
      const from = at + 16 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let j = 0; j < 32; j++) {
        out[to + 32 * group + j] = (bytes[from + j] >> shift & 15) * scale - least;
      }
    }
  }),
  Q5_K: blocks({ id: 13, values: 256, bytes: 176 }, (bytes, at, out, to) => {
    for (let group = 0; group < 8; group++) {
      const { scale, least } = groupScale(bytes, at, group);
      const from = at + 48 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let j = 0; j < 32; j++) {
        const fifth = (bytes[at + 16 + j] >> group & 1) << 4;
        out[to + 32 * group + j] = (bytes[from + j] >> shift & 15 | fifth) * scale - least;
      }
    }
  }),
  // Each half of a block: 64 bytes of low four bits, 32 of high two bits; a scale for 16 numbers.
  Q6_K: blocks({ id: 14, values: 256, bytes: 210 }, (bytes, at, out, to) => {
    const scale = half(bytes, at + 208);
    for (let j = 0; j < 256; j++) {
      const [part, quarter, l] = [j >> 7, j >> 5 & 3, j & 31];
      const low = bytes[at + 64 * part + 32 * (quarter & 1) + l] >> 4 * (quarter >> 1) & 15;
      const high = bytes[at + 128 + 32 * part + l] >> 2 * quarter & 3;
      out[to + j] = scale * signed(bytes[at + 192 + (j >> 4)]) * ((low | high << 4) - 32);
    }
  }),
} satisfies Readonly<Record<string, BlockType>>;

/** Names of the types that are read. */
export type BlockTypeName = keyof typeof BLOCK_TYPES;

function blocks(
  { id, values, bytes: width }: Pick<BlockType, "id" | "values" | "bytes">,
  decodeBlock: DecodeBlock,
): BlockType {
  const decode: BlockType["decode"] = (bytes, out, to) => {
    for (let at = 0; at < bytes.length; at += width, to += values) decodeBlock(bytes, at, out, to);
  };
  return { id, values, bytes: width, decode };
}

/** The bytes of some elements, in the order of little-endian machines, as all of Deno's are. */
function bytesOf(out: Float32Array, from: number, count: number): Uint8Array {
  return new Uint8Array(out.buffer, out.byteOffset + 4 * from, 4 * count);
}

function half(bytes: Uint8Array, at: number): number {
  return HALVES[bytes[at] | bytes[at + 1] << 8];
}

function signed(byte: number): number {
  return byte << 24 >> 24;
}

/** Number j of a block of Q5_0 or Q5_1, whose word of fifth bits begins at byte `at`. */
function fiveBits(bytes: Uint8Array, at: number, j: number): number {
  const fifth = bytes[at + (j >> 3)] >> (j & 7) & 1;
  const low = bytes[at + 4 + (j & 15)] >> (j < 16 ? 0 : 4) & 15;
  return low | fifth << 4;
}

/** What a group of 32 in a block of 256 is multiplied by, and what is taken away: six bits each. */
function groupScale(bytes: Uint8Array, at: number, group: number) {
  const packed = at + 4;
  const [a, b] = [bytes[packed + group], bytes[packed + group + 4]];
  const [scale, least] = group < 4
    ? [a & 63, b & 63]
    : [b & 15 | bytes[packed + group - 4] >> 6 << 4, b >> 4 | a >> 6 << 4];
  return { scale: half(bytes, at) * scale, least: half(bytes, at + 2) * least };
}
