import { FOLLOWS, NEVER, type Sources } from './sources.ts'

/** The partition that a value comes from, the moment as of which it was the newest, and when that was decided. */
export interface Origin {
  readonly source: number
  readonly asOfMs: number
  readonly epoch: number
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
  else if (source !== price.source) asOfMs = Math.min(asOfMs, sources.asOf(source))
  return { ...price, source, asOfMs, epoch: sources.epoch }
}
