/** How far a replay or a recording has come. */
export interface ReplayProgress {
  /** Records that reached the sink. */
  readonly records: number
  /** Records a second since the start. */
  readonly perSecond: number
  /** The share that is done, 0 to 1; undefined if there is no end. */
  readonly fraction: number | undefined
  /** How late the last record was; negative while the next one is not due. */
  readonly behindMs: number
  /** The time left; undefined while it is not known. */
  readonly etaMs: number | undefined
}

export interface ProgressSoFar {
  readonly records: number
  readonly fraction: number | undefined
  readonly behindMs: number
  readonly elapsedMs: number
}

/** Expects the rest to go as fast as the part that is done. */
export function progressOf({ records, fraction, behindMs, elapsedMs }: ProgressSoFar): ReplayProgress {
  const perSecond = elapsedMs > 0 ? (records / elapsedMs) * 1000 : 0
  const etaMs = fraction !== undefined && fraction > 0 ? (elapsedMs * (1 - fraction)) / fraction : undefined
  return { records, perSecond, fraction, behindMs, etaMs }
}
