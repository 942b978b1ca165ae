/** A table that has grown: `to`, which is larger, with all that was in `from`. */
export function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}
