/** PromQL over the metrics of a node. No bucket is named by its text, which Prometheus 2 and 3 store in different ways. */
export interface Queries {
  /** A metric by its name without the prefix. */
  metric(name: string): string
  /** Growth a second, by chain. */
  rate(name: string, selector?: string, window?: string): string
  /** A quantile of a histogram in seconds, by chain. */
  quantile(q: number, name: string, window?: string): string
  /** L1 hits ÷ reads, by chain. */
  hitRatio(window?: string): string
  /** Warms that failed ÷ warms, by chain. */
  errorRatio(window?: string): string
}

const L1 = '{cache_level="L1"}'

export function queries(prefix: string): Queries {
  const metric = (name: string) => `${prefix}${name}`
  const rate = (name: string, selector = '', window = '5m') =>
    `sum by (chain) (rate(${metric(name)}${selector}[${window}]))`
  const reads = (window: string) =>
    `(${rate('cache_hits_total', L1, window)} + ${rate('cache_misses_total', L1, window)})`
  return {
    metric,
    rate,
    quantile: (q, name, window = '5m') =>
      `histogram_quantile(${q}, sum by (chain, le) (rate(${metric(name)}_bucket[${window}])))`,
    hitRatio: (window = '5m') => `${rate('cache_hits_total', L1, window)} / ${reads(window)}`,
    errorRatio: (window = '5m') =>
      `${rate('warming_operations_total', '{status="error"}', window)} / ${rate('warming_operations_total', '', window)}`,
  }
}
