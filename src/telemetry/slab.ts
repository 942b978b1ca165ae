/**
 * Counters and histograms that cost a few nanoseconds. They are cells of typed arrays with one writer, and become
 * OpenTelemetry metrics only at a scrape (metric-producer.ts). Looking a cell up by its labels is slow: ask once, keep
 * the cell, and call `add` or `record` on the hot path.
 */

export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(n: number): void
  readonly value: number
}

/** A value that goes up and down, written when it changes. It is not shown before it was set. */
export interface Gauge {
  set(value: number): void
  readonly value: number
}

export interface Histogram {
  record(value: number): void
  readonly count: number
  readonly sum: number
  /** The value below which the share `q` (0 to 1) of the records lies, to about 6 %; undefined without records. */
  quantile(q: number): number | undefined
}

/**
 * Names come from instruments.ts; a name or label that is not in that table throws. A label that is left out is `all`.
 * A label set beyond the bound of its instrument is counted under `other`.
 */
export interface Metrics {
  counter(name: string, labels?: Labels): Counter
  gauge(name: string, labels?: Labels): Gauge
  histogram(name: string, labels?: Labels): Histogram
  /** For a value that something else keeps: `read` is called at the scrape. */
  observe(name: string, labels: Labels, read: () => number): void
}
