/** How far a replay or a recording has come, at the moment of asking. */
export interface ReplayProgress {
  /** Records that reached the sink. */
  readonly records: number
  /** A second, since the start. */
  readonly perSecond: number
  /** 0 to 1; undefined where there is no end. */
  readonly fraction: number | undefined
  /** By how much the last record was late on the schedule; negative while the next one is not due. */
  readonly behindMs: number
  /** Undefined while it cannot be told. */
  readonly etaMs: number | undefined
}

export interface ProgressReading {
  readonly records: number
  readonly fraction: number | undefined
  readonly behindMs: number
  readonly elapsedMs: number
}

/** The rest takes as long as its share of the way has taken so far. */
export function progressOf({ records, fraction, behindMs, elapsedMs }: ProgressReading): ReplayProgress {
  const perSecond = elapsedMs > 0 ? (records / elapsedMs) * 1000 : 0
  const etaMs = fraction !== undefined && fraction > 0 ? (elapsedMs * (1 - fraction)) / fraction : undefined
  return { records, perSecond, fraction, behindMs, etaMs }
}
