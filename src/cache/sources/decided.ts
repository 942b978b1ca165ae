import { FOLLOWS, NEVER, type Sources } from './sources.ts'

/** The partition that a value comes from, the moment as of which it was the newest, and when that was decided. */
export interface Origin {
  readonly source: number
  readonly asOfMs: number
  readonly epoch: number
}

/**
 * The moment of a value whose source was merged into another one. Newer values may have come from other partitions, and this
 * node has heard of them only if it has all of these, or L2 tells of the pair: that of another node follows its source.
 */
export function mergedMoment(asOfMs: number, [from, into]: readonly [number, number], sources: Sources): number {
  if (asOfMs !== FOLLOWS) return NEVER
  if (sources.isFollowed(into)) return FOLLOWS
  return sources.isFollowed(from) ? NEVER : sources.asOf(into)
}

/** The moment as of which an older value was the newest holds for a newer one of the same source, too. */
export function atLeastAsOf<T extends Origin>(newer: T, older: Origin, sources: Sources): T {
  const asOfMs = older.asOfMs === FOLLOWS ? sources.asOf(older.source) : older.asOfMs
  return older.source === newer.source && asOfMs > newer.asOfMs ? { ...newer, asOfMs } : newer
}

/**
 * The value with the origin that it has by now. Partitions may have come and gone, and sources been merged, since it was
 * decided that the value follows its source: then newer ones may have gone elsewhere.
 */
export function decidedNow<T extends Origin>(price: T, sources: Sources): T {
  if (price.epoch >= sources.epoch) return price
  const source = sources.resolve(price.source)
  let { asOfMs } = price
  if (asOfMs === FOLLOWS) asOfMs = sources.hasFollowed(source, price.epoch) ? FOLLOWS : NEVER
  else if (source !== price.source) asOfMs = NEVER
  return { ...price, source, asOfMs, epoch: sources.epoch }
}
