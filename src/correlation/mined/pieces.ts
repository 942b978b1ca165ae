/**
 * Work that is done in pieces, so that its thread can do other things in between. Each `next` does a piece and yields its
 * cost: the number of entries that a scan looks at in that time.
 */
export type Pieces<T> = Generator<number, T, void>

/** Entries that are moved in a piece; moving them takes eight times as long as looking at them. */
export const PIECE = 2 ** 14
export const PIECE_COST = PIECE * 8

/** Does all of the work at once. */
export function finished<T>(pieces: Pieces<T>): T {
  for (;;) {
    const piece = pieces.next()
    if (piece.done === true) return piece.value
  }
}
