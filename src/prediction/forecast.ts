import { type AccessHistory, DAY_HOURS, WEEK_HOURS } from './access-history.ts'
import { chanceOfRead, type Proposal, surest } from './proposal.ts'

/** The weight of the newest week in the level of an hour, and of the newest step in its trend. */
const LEVEL_WEIGHT = 0.4
const TREND_WEIGHT = 0.1
const ERROR_WEIGHT = 0.3
/** So many pairs are forecast at a time, first come, first served; 2.4 KB each. */
const MAX_FORECAST_PAIRS = 4_096
/** A pair that was not read for so long makes room for another one: one that is read once a week stays. */
const KEPT_HOURS = 3 * WEEK_HOURS

export interface Forecast {
  /** Reads expected in the hour. */
  readonly reads: number
  /** 0 to 1: how close earlier forecasts for the pair came. */
  readonly confidence: number
}

/**
 * Forecasts the reads of each hour of the week by Holt's linear smoothing from week to week: it keeps a level and a trend
 * for each pair and hour of the week. (Holt, "Forecasting seasonals and trends by exponentially weighted moving
 * averages", 1957.) The confidence comes from the pair's own past errors: 1 − error ÷ (expected reads + error), where
 * error is the mean absolute one.
 */
export class HoltForecast {
  readonly #rows = new Map<number, Row>()
  /** Hours in which a pair was read that has no row, as all were taken; counted once a pair. */
  refusedPairHours = 0

  /** The hour has ended: learns from its reads and from the error of its forecast. Called once an hour, in order. */
  close(history: AccessHistory, hour: number): void {
    const weekHour = hour % WEEK_HOURS
    for (const [pairId, { lastRead }] of this.#rows) if (hour - lastRead > KEPT_HOURS) this.#rows.delete(pairId)
    for (const pairId of history.pairIds())
      if (history.in(pairId, hour) > 0 && !this.#rows.has(pairId)) this.#add(pairId)
    // Even pairs that the history has dropped: that they are not read is to be learned, too.
    for (const [pairId, row] of this.#rows) {
      const reads = history.in(pairId, hour)
      if (reads > 0) row.lastRead = hour
      learn(row, weekHour, reads)
    }
  }

  /** Undefined before the hour of the week has come twice. */
  at(pairId: number, hour: number): Forecast | undefined {
    const row = this.#rows.get(pairId)
    const weekHour = hour % WEEK_HOURS
    if (row === undefined || (row.weeks[weekHour] as number) < 2) return undefined
    const reads = Math.max(0, (row.levels[weekHour] as number) + (row.trends[weekHour] as number))
    const error = row.errors[weekHour] as number
    return { reads, confidence: reads === 0 ? 0 : 1 - error / (reads + error) }
  }

  /** The pairs that are expected to be read in the `hours` after `hour`. */
  proposals(options: { readonly hour: number; readonly hours: number; readonly limit: number }): readonly Proposal[] {
    const { hour, hours, limit } = options
    const proposals: Proposal[] = []
    for (const pairId of this.#rows.keys()) {
      let best: Proposal | undefined
      for (let at = hour + 1; at <= hour + hours; at++) {
        const forecast = this.at(pairId, at)
        if (forecast === undefined || forecast.reads === 0) continue
        const confidence = forecast.confidence * chanceOfRead(forecast.reads)
        if (confidence <= (best?.confidence ?? 0)) continue
        const reason = `${Number(forecast.reads.toPrecision(2))} reads expected ${weekHourName(at)}`
        best = { pairId, kind: 'forecast', confidence, hour: at, reason }
      }
      if (best !== undefined) proposals.push(best)
    }
    return surest(proposals, limit)
  }

  #add(pairId: number): void {
    if (this.#rows.size >= MAX_FORECAST_PAIRS) {
      this.refusedPairHours++
      return
    }
    this.#rows.set(pairId, {
      lastRead: 0,
      levels: new Float32Array(WEEK_HOURS),
      trends: new Float32Array(WEEK_HOURS),
      errors: new Float32Array(WEEK_HOURS),
      weeks: new Uint16Array(WEEK_HOURS),
    })
  }
}

/** 1970 began on a Thursday. */
const DAYS = ['Thursday', 'Friday', 'Saturday', 'Sunday', 'Monday', 'Tuesday', 'Wednesday'] as const

function weekHourName(hour: number): string {
  const ofWeek = hour % WEEK_HOURS
  return `${DAYS[Math.floor(ofWeek / DAY_HOURS)]} ${String(ofWeek % DAY_HOURS).padStart(2, '0')}:00 UTC`
}

interface Row {
  /** The last hour in which the pair was read. */
  lastRead: number
  readonly levels: Float32Array
  readonly trends: Float32Array
  /** Mean absolute errors; the newest weighs most. */
  readonly errors: Float32Array
  readonly weeks: Uint16Array
}

function learn(row: Row, at: number, reads: number): void {
  const weeks = row.weeks[at] as number
  const level = row.levels[at] as number
  const trend = row.trends[at] as number
  if (weeks === 0) {
    row.levels[at] = reads
  } else {
    const error = Math.abs(reads - Math.max(0, level + trend))
    row.errors[at] = weeks === 1 ? error : (row.errors[at] as number) * (1 - ERROR_WEIGHT) + error * ERROR_WEIGHT
    const next = LEVEL_WEIGHT * reads + (1 - LEVEL_WEIGHT) * (level + trend)
    row.trends[at] = TREND_WEIGHT * (next - level) + (1 - TREND_WEIGHT) * trend
    row.levels[at] = next
  }
  row.weeks[at] = Math.min(weeks + 1, 65_535)
}
