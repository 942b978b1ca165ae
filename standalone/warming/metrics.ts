import { isObject } from '../../schemas/json-value.ts'
import { described } from '../../src/config/argument.ts'
import type { OptionsOf } from '../../src/config/options.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { collected, prometheusText } from '../../src/telemetry/metric-producer.ts'
import { PROMETHEUS_TEXT } from '../../src/telemetry/open-metrics.ts'
import { VERSION } from '../../src/version.ts'
import type { OpenedCache } from '../levels.ts'

/** How the metrics of a warming are shown. */
export interface CacheMetricsConfig {
  /** Stands before each name. Default: METRICS_PREFIX, which is `arbitrage_` unless set. */
  readonly prefix?: string
  /** Stand at each series, beside its own. */
  readonly labels?: Readonly<Record<string, string>>
}

/** The metrics of a cache and its warmings. */
export interface CacheMetrics {
  /** False: they are counted all the same and not shown. */
  readonly enabled: boolean
  /** The media type of the Prometheus text. */
  readonly contentType: string
  /** Prometheus text (version 0.0.4), or JSON: `{ metrics: [{ name, kind, unit, help, series: [{ labels, … }] }] }`. */
  export(format?: 'prometheus' | 'json'): string
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
/** Prometheus gives them a meaning of its own. */
const TAKEN: readonly string[] = ['le', 'quantile']

export const METRICS_CONFIG: OptionsOf<CacheMetricsConfig> = {
  prefix: {
    allowed: 'letters, digits and _, not a digit first',
    parse: (input) => (input === '' || (typeof input === 'string' && NAME.test(input)) ? input : undefined),
  },
  labels: {
    allowed: 'an object of texts by names of letters, digits and _, other than le and quantile',
    parse: (input) => (isObject(input) && Object.entries(input).every(isLabel) ? input : undefined),
  },
}

function isLabel([name, value]: readonly [string, unknown]): boolean {
  return NAME.test(name) && !TAKEN.includes(name) && typeof value === 'string'
}

const OFF = '# metrics are off: enableMetrics is false\n'

export class ShownMetrics implements CacheMetrics {
  readonly contentType = PROMETHEUS_TEXT
  readonly enabled: boolean
  readonly #parts: OpenedCache
  readonly #config: CacheMetricsConfig

  constructor(
    parts: OpenedCache,
    { enabled, config }: { readonly enabled: boolean; readonly config: CacheMetricsConfig },
  ) {
    this.#parts = parts
    this.enabled = enabled
    // The caller may change its object later, which nobody would check.
    this.#config = structuredClone(config)
  }

  export(format: 'prometheus' | 'json' = 'prometheus'): string {
    if (format !== 'json' && format !== 'prometheus')
      throw new ForewarmError('bad-value', `metrics.export: expected prometheus or json, got ${described(format)}`)
    if (format === 'json') return JSON.stringify({ metrics: this.enabled ? this.#values() : [] })
    const { metrics } = this.#parts
    const { labels } = this.#config
    if (!this.enabled) return OFF
    return prometheusText(collected(metrics, { prefix: this.#prefix, version: VERSION, labels }))
  }

  get #prefix(): string {
    return this.#config.prefix ?? this.#parts.config.metrics.prefix
  }

  #values() {
    const { labels: more = {} } = this.#config
    return this.#parts.metrics.read().map(({ instrument, numbers, histograms }) => ({
      name: (instrument.bare ? '' : this.#prefix) + instrument.name,
      ...{ kind: instrument.kind, unit: instrument.unit, help: instrument.help },
      series: [
        ...numbers.map(({ labels, value }) => ({ labels: { ...more, ...labels }, value })),
        ...histograms.map(({ labels, counts, sum }) => ({
          labels: { ...more, ...labels },
          ...{ count: counts.reduce((all, each) => all + each, 0), sum, bounds: instrument.bounds ?? [], counts },
        })),
      ],
    }))
  }
}
