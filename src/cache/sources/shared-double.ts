/** A double, and the same memory as one integer. */
const DOUBLE = new Float64Array(1)
const BITS = new BigInt64Array(DOUBLE.buffer)

/** Stores a double that other threads load whole: a plain store into a Float64Array may be seen by halves. */
export function storeDouble(into: BigInt64Array, at: number, value: number): void {
  DOUBLE[0] = value
  Atomics.store(into, at, BITS[0] as bigint)
}

/** Loads a double that another thread stored with `storeDouble`. */
export function loadDouble(from: BigInt64Array, at: number): number {
  BITS[0] = Atomics.load(from, at)
  return DOUBLE[0] as number
}
