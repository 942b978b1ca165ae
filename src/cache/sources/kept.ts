export interface KeptParts {
  readonly unkept: ReadonlySet<number>
  resolve(id: number): number
  wholeAt(id: number): number
}

/** Whether L2 has got, as far as is known, all values of the partition, or of the topic as a whole, that came before it was taken. */
export function isKept(id: number, sources: KeptParts): boolean {
  if (sources.unkept.size === 0) return true
  return ![...sources.unkept].some(
    (each) => each === id || sources.wholeAt(each) === id || sources.resolve(each) === id,
  )
}
