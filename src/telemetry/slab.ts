/**
 * Counters and histograms that cost a few nanoseconds: cells of plain typed arrays with one writer, folded into
 * OpenTelemetry metrics when somebody scrapes (metric-producer.ts). Labels are interned when a cell is first asked
 * for, never on the hot path: ask once, keep the cell, call `add` or `record`.
 */

export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(n: number): void
  readonly value: number
}

/** A value that goes up and down, written when it changes; not shown before it was set. */
export interface Gauge {
  set(value: number): void
  readonly value: number
}

export interface Histogram {
  record(value: number): void
  readonly count: number
  readonly sum: number
  /** The value below which the share `q` (0 to 1) of the records lies, to about 6 %; undefined while empty. */
  quantile(q: number): number | undefined
}

/**
 * Names come from instruments.ts; a label set beyond the bound of its instrument lands under `other`. A label that is
 * left out is `all`: the value is not told apart by it. A name or label that is not in the table throws.
 */
export interface Metrics {
  counter(name: string, labels?: Labels): Counter
  gauge(name: string, labels?: Labels): Gauge
  histogram(name: string, labels?: Labels): Histogram
  /** Read at the scrape: for values that something else already keeps. */
  observe(name: string, labels: Labels, read: () => number): void
}
