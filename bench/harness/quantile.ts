/** The smallest value that a share `q` (0 to 1) of all values does not exceed. Throws if there are none. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)]
  if (value === undefined) throw new RangeError('a quantile of no values')
  return value
}

export function median(values: readonly number[]): number {
  return (
    (quantile(values, 0.5) +
      -quantile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  )
}
