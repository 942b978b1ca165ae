/**
 * Work that is done in pieces, so that who has other things to do as well can do them in between: each `next` does a
 * piece, and tells what it cost, in entries of the log that a scan would have looked at in that time.
 */
export type Pieces<T> = Generator<number, T, void>

/** Entries that are put somewhere, which takes several times as long as looking at them. */
export const PIECE = 2 ** 14
export const PIECE_COST = PIECE * 8

/** All of it at once. */
export function finished<T>(pieces: Pieces<T>): T {
  for (;;) {
    const piece = pieces.next()
    if (piece.done === true) return piece.value
  }
}
