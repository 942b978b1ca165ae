/** Copies `from` to the beginning of the larger `to`, and returns `to`: a typed array cannot grow in place. */
export function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}

/** The length of a table with room for `index`: `length` doubled as often as that takes, `most` at the most. */
export function lengthFor(index: number, length: number, most: number): number {
  let next = length
  while (next <= index) next *= 2
  return Math.min(next, most)
}
