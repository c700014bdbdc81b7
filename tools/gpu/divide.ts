/** A compressed piece of a file. */
export interface Piece {
  readonly name: string;
  readonly bytes: number;
}

/** Pieces that are carried together. */
export interface Part {
  readonly bytes: number;
  readonly pieces: readonly Piece[];
}

/**
 * Divides pieces into as few parts as hold them so: the largest first, into whichever part is emptiest.
 *
 * @param room bytes that a part may have
 * @throws RangeError when the room is no positive number, or one piece alone is larger
 */
export function divide(pieces: readonly Piece[], room: number): Part[] {
  if (!(room > 0)) throw new RangeError(`Expected room of more than 0 bytes but found ${room}.`);
  const ordered = pieces.toSorted((a, b) => b.bytes - a.bytes);
  if (ordered.length > 0 && ordered[0].bytes > room) {
    const { name, bytes } = ordered[0];
    throw new RangeError(
      `Expected pieces of at most ${room} bytes, the room of a part, but ${name} has ${bytes}.`,
    );
  }
  const all = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  // In as many parts as pieces each has one to itself.
  for (let count = Math.ceil(all / room);; count++) {
    const parts = intoEmptiest(ordered, count);
    if (parts.every(({ bytes }) => bytes <= room)) return parts;
  }
}

function intoEmptiest(pieces: readonly Piece[], count: number): Part[] {
  const parts = Array.from({ length: count }, () => ({ bytes: 0, pieces: [] as Piece[] }));
  for (const piece of pieces) {
    const part = parts.reduce((least, one) => one.bytes < least.bytes ? one : least);
    part.pieces.push(piece);
    part.bytes += piece.bytes;
  }
  return parts;
}
