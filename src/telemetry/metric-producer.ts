import { type HrTime, ValueType } from '@opentelemetry/api'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
  type Histogram as OtelHistogram,
} from '@opentelemetry/sdk-metrics'
import type { HistogramReading, MetricSlab, Reading } from './metrics.ts'

/** The slabs as OpenTelemetry sees them. Reading changes nothing, so that every reader may have the same producer. */
export function metricProducer(
  metrics: MetricSlab,
  options: { readonly prefix: string; readonly version: string },
): MetricProducer {
  const scope = { name: 'forewarm', version: options.version }
  return {
    async collect(): Promise<CollectionResult> {
      const span = { startTime: toHrTime(metrics.sinceMs), endTime: toHrTime(Date.now()) }
      const data = metrics.read().flatMap((reading) => metricData(reading, options.prefix, span))
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics: data }] }, errors: [] }
    },
  }
}

interface Span {
  readonly startTime: HrTime
  readonly endTime: HrTime
}

function metricData(reading: Reading, prefix: string, span: Span): readonly MetricData[] {
  const { instrument, numbers, histograms } = reading
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
    const points = (divideBy: number) => histograms.map((each) => histogramPoint(each, { bounds, divideBy, span }))
    const ownData: MetricData = { ...own, dataPointType: DataPointType.HISTOGRAM, dataPoints: points(1) }
    if (twin === undefined) return [ownData]
    return [ownData, { ...ownData, ...common(twin.name, 's'), dataPoints: points(twin.divideBy) }]
  }
  const dataPoints = numbers.map(({ labels, value }) => ({ ...span, attributes: { ...labels }, value }))
  if (instrument.kind === 'gauge') return [{ ...own, dataPointType: DataPointType.GAUGE, dataPoints }]
  return [{ ...own, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }]
}

interface Exposition {
  readonly bounds: readonly number[]
  readonly divideBy: number
  readonly span: Span
}

function histogramPoint(reading: HistogramReading, { bounds, divideBy, span }: Exposition): DataPoint<OtelHistogram> {
  const counts = [...reading.counts]
  return {
    ...span,
    attributes: { ...reading.labels },
    value: {
      buckets: { boundaries: bounds.map((bound) => divided(bound, divideBy)), counts },
      count: counts.reduce((total, count) => total + count, 0),
      sum: reading.sum / divideBy,
    },
  }
}

/** The bound as it is written in decimals: 0.2 µs is 2e-7 s, not the 1.9999999999999999e-7 of the binary quotient. */
function divided(bound: number, divideBy: number): number {
  return Number((bound / divideBy).toPrecision(12))
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}
