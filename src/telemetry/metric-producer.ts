import { type HrTime, ValueType } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
  type Histogram as OtelHistogram,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import type { HistogramValues, InstrumentValues, MetricSlab } from './metrics.ts'
import type { Labels } from './slab.ts'

export interface CollectOptions {
  readonly prefix: string
  readonly version: string
  /** Stand at each point, beside its own. */
  readonly labels?: Labels | undefined
}

/** Shows the metrics to OpenTelemetry. Reading changes nothing, so all readers can share one producer. */
export function metricProducer(metrics: MetricSlab, options: CollectOptions): MetricProducer {
  return {
    async collect(): Promise<CollectionResult> {
      return { resourceMetrics: collected(metrics, options), errors: [] }
    },
  }
}

/** The metrics as they are now, in the form of OpenTelemetry. */
export function collected(metrics: MetricSlab, { prefix, version, labels }: CollectOptions): ResourceMetrics {
  const scope = { name: 'forewarm', version }
  const period = { startTime: toHrTime(metrics.sinceMs), endTime: toHrTime(Date.now()) }
  const read = labels === undefined ? metrics.read() : metrics.read().map((values) => labelled(values, labels))
  const data = read.flatMap((values) => metricData(values, prefix, period))
  return { resource: emptyResource(), scopeMetrics: [{ scope, metrics: data }] }
}

const SERIALIZER = new PrometheusSerializer('', false, undefined, false, true)

/** The metrics as Prometheus text of version 0.0.4. */
export function prometheusText(metrics: ResourceMetrics): string {
  return SERIALIZER.serialize(metrics)
}

function labelled({ instrument, numbers, histograms }: InstrumentValues, more: Labels): InstrumentValues {
  const withMore = <T extends { readonly labels: Labels }>(each: T): T => ({
    ...each,
    labels: { ...more, ...each.labels },
  })
  return { instrument, numbers: numbers.map(withMore), histograms: histograms.map(withMore) }
}

interface Period {
  readonly startTime: HrTime
  readonly endTime: HrTime
}

function metricData(values: InstrumentValues, prefix: string, period: Period): readonly MetricData[] {
  const { instrument, numbers, histograms } = values
  const common = (name: string, unit: string) => ({
    descriptor: {
      name: (instrument.bare ? '' : prefix) + name,
      description: instrument.help,
      unit,
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  })
  const own = common(instrument.name, instrument.unit)
  if (instrument.kind === 'histogram') {
    const { bounds = [], twin } = instrument
    const points = (divideBy: number) => histograms.map((each) => histogramPoint(each, { bounds, divideBy, period }))
    const ownData: MetricData = { ...own, dataPointType: DataPointType.HISTOGRAM, dataPoints: points(1) }
    if (twin === undefined) return [ownData]
    return [ownData, { ...ownData, ...common(twin.name, 's'), dataPoints: points(twin.divideBy) }]
  }
  const dataPoints = numbers.map(({ labels, value }) => ({ ...period, attributes: { ...labels }, value }))
  if (instrument.kind === 'gauge') return [{ ...own, dataPointType: DataPointType.GAUGE, dataPoints }]
  return [{ ...own, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }]
}

interface Exposition {
  readonly bounds: readonly number[]
  readonly divideBy: number
  readonly period: Period
}

function histogramPoint(values: HistogramValues, { bounds, divideBy, period }: Exposition): DataPoint<OtelHistogram> {
  const counts = [...values.counts]
  return {
    ...period,
    attributes: { ...values.labels },
    value: {
      buckets: { boundaries: bounds.map((bound) => divided(bound, divideBy)), counts },
      count: counts.reduce((total, count) => total + count, 0),
      sum: values.sum / divideBy,
    },
  }
}

/** The quotient rounded to 12 digits: 0.2 µs is 2e-7 s, not the 1.9999999999999999e-7 of the binary division. */
function divided(bound: number, divideBy: number): number {
  return Number((bound / divideBy).toPrecision(12))
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}
