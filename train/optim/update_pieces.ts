/** How an update is divided. */
export interface UpdateDivision {
  /** Where it computes. */
  readonly onHost: boolean;
  /** Whether it rounds at random. */
  readonly isNoisy: boolean;
  /** Whether moments are in host memory and it is not. */
  readonly offloadsMoments: boolean;
}

/** Elements that one run updates, and that noise is as long as. */
export function updatePiece({ onHost, isNoisy, offloadsMoments }: UpdateDivision): number {
  if (onHost) return PIECE;
  if (isNoisy) return NOISY_DEVICE_PIECE;
  return offloadsMoments ? OFFLOADED_PIECE : DEVICE_PIECE;
}

/** Elements whose squares one run adds up: as many wherever moments are, so that sums stay the same. */
export function normPiece(division: UpdateDivision): number {
  return updatePiece({ ...division, offloadsMoments: false });
}

/**
 * On the CPU: four arrays of them and what lies between stay in the cache, and starting a run costs
 * little beside it.
 */
const PIECE = 1 << 18;

/** The same on a GPU, whose runs cost more to start, and which has to hold what lies between. */
const DEVICE_PIECE = 1 << 25;

/** On a GPU with noise, which is as long. */
const NOISY_DEVICE_PIECE = 1 << 22;

/** On a GPU that is given moments and gives them back: large enough for a copy to take its time. */
const OFFLOADED_PIECE = 1 << 23;
