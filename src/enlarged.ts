/** Copies `from` to the beginning of the larger `to`, and returns `to`: a typed array cannot grow in place. */
export function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}
