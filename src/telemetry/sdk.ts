import { DiagLogLevel, diag, metrics, ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api'
import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import {
  defaultResource,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { type MetricProducer, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Config } from '../config/settings.ts'
import { inTime, type Timer } from '../timer.ts'
import type { Log } from './log.ts'
import { metricProducer, prometheusText } from './metric-producer.ts'
import type { MetricSlab } from './metrics.ts'
import { OPEN_METRICS_TEXT, PROMETHEUS_TEXT, prefersOpenMetrics, toOpenMetrics } from './open-metrics.ts'
import { observeProcessMemory } from './process-memory.ts'

export interface TelemetryOptions {
  readonly config: Pick<Config, 'metrics'>
  readonly metrics: MetricSlab
  /** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over it. */
  readonly serviceName: string
  readonly version: string
  /** Gets the warnings of the exporters. */
  readonly log?: Log
  /** Take the spans in place of the exporters that OTEL_* names. */
  readonly spanProcessors?: readonly SpanProcessor[] | undefined
  /** Bounds the wait of `shutdown`; the system's timer unless given. */
  readonly timer?: Timer
}

export interface Telemetry {
  /** Makes spans only if OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER or `spanProcessors` asks for them. */
  readonly tracer: Tracer
  /** The exposition: in OpenMetrics if the Accept header prefers it, otherwise in Prometheus text 0.0.4. */
  scrape(accept?: string): Promise<{ readonly body: string; readonly contentType: string }>
  /** Sends the rest, for at most SHUTDOWN_MS: `abandoned` if no collector took it by then. May be called twice. */
  shutdown(): Promise<'flushed' | 'abandoned'>
}

/** A node has `maxWait` + 250 ms to stop in. A collector that is away must not use that up. */
const SHUTDOWN_MS = 200

const DEFAULT_EXPORT_INTERVAL_MS = 60_000
const DEFAULT_EXPORT_TIMEOUT_MS = 30_000

/**
 * The SDK decides all that OTEL_* sets, with two exceptions. Without an endpoint or an exporter it would send to
 * localhost:4318; here, nothing is sent. And its own metric readers do not take our producer, so the periodic reader is
 * made here.
 */
export function startSdk(options: TelemetryOptions): Telemetry {
  const { version, log } = options
  observeProcessMemory(options.metrics)
  const producer = metricProducer(options.metrics, { prefix: options.config.metrics.prefix, version })
  const exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [producer] })
  const sends = namesExporter('METRICS', 'otlp') || namesExporter('TRACES', 'otlp')
  const tellsLog = sends && log !== undefined && variable('OTEL_LOG_LEVEL') === undefined
  if (tellsLog) diag.setLogger(diagnosticsTo(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })

  const release = startAsGlobal(nodeSdk(options, exporter, producer))
  // A disabled SDK binds no reader. The exposition works without it.
  const source: Pick<MetricProducer, 'collect'> = isDisabled() ? producer : exporter
  let shutdown: Promise<'flushed' | 'abandoned'> | undefined
  return {
    tracer: trace.getTracer('forewarm', version),
    async scrape(accept) {
      const { resourceMetrics, errors } = await source.collect()
      if (errors.length > 0) throw new AggregateError(errors, 'Metrics could not be collected')
      const body = prometheusText(resourceMetrics)
      if (!prefersOpenMetrics(accept)) return { body, contentType: PROMETHEUS_TEXT }
      return { body: toOpenMetrics(body), contentType: OPEN_METRICS_TEXT }
    },
    shutdown() {
      shutdown ??= flushedInTime(options.timer, release()).finally(() => {
        if (tellsLog) diag.disable()
      })
      return shutdown
    },
  }
}

function nodeSdk(options: TelemetryOptions, exporter: PrometheusExporter, producer: MetricProducer): NodeSDK {
  const attributes = { 'service.name': options.serviceName, 'service.version': options.version }
  const spanProcessors =
    options.spanProcessors === undefined ? (namesExporter('TRACES') ? undefined : []) : [...options.spanProcessors]
  return new NodeSDK({
    resource: defaultResource().merge(resourceFromAttributes(attributes)),
    // The SDK's own detectors would publish the command line, which may hold secrets.
    ...(variable('OTEL_NODE_RESOURCE_DETECTORS') === undefined && {
      resourceDetectors: [serviceInstanceIdDetector, envDetector],
    }),
    metricReaders: namesExporter('METRICS', 'otlp') ? [exporter, periodicReader(producer)] : [exporter],
    ...(spanProcessors !== undefined && { spanProcessors }),
    logRecordProcessors: [],
  })
}

/**
 * OpenTelemetry's globals belong to the process. An SDK that registered first, the user's own or another node's, keeps
 * them, and our spans go there. The returned function takes back only the globals that were ours.
 */
function startAsGlobal(sdk: NodeSDK): () => Promise<void> {
  const before = globals()
  sdk.start()
  const after = globals()
  return async () => {
    if (after.tracers !== before.tracers && globals().tracers === after.tracers) trace.disable()
    if (after.meters !== before.meters && globals().meters === after.meters) metrics.disable()
    await sdk.shutdown()
  }
}

function globals(): { readonly tracers: unknown; readonly meters: unknown } {
  const tracers = trace.getTracerProvider()
  return {
    tracers: tracers instanceof ProxyTracerProvider ? tracers.getDelegate() : tracers,
    meters: metrics.getMeterProvider(),
  }
}

function periodicReader(producer: MetricProducer): PeriodicExportingMetricReader {
  const exportIntervalMillis = milliseconds('OTEL_METRIC_EXPORT_INTERVAL', DEFAULT_EXPORT_INTERVAL_MS)
  return new PeriodicExportingMetricReader({
    exporter: metricExporter(),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(
      exportIntervalMillis,
      milliseconds('OTEL_METRIC_EXPORT_TIMEOUT', DEFAULT_EXPORT_TIMEOUT_MS),
    ),
    metricProducers: [producer],
  })
}

function metricExporter(): PushMetricExporter {
  switch (variable('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL') ?? variable('OTEL_EXPORTER_OTLP_PROTOCOL')) {
    case 'grpc':
      return new GrpcMetricExporter()
    case 'http/json':
      return new JsonMetricExporter()
    default:
      return new ProtobufMetricExporter()
  }
}

/** Whether OTEL_* asks for an exporter of the signal: for this one, if it is named. An endpoint alone asks for OTLP. */
function namesExporter(signal: 'METRICS' | 'TRACES', exporter?: string): boolean {
  const named = variable(`OTEL_${signal}_EXPORTER`)
    ?.split(',')
    .map((name) => name.trim())
  if (named !== undefined) return exporter === undefined || named.includes(exporter)
  return [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'].some((name) => variable(name))
}

function isDisabled(): boolean {
  return variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true'
}

function variable(name: string): string | undefined {
  const value = process.env[name]?.trim()
  return value === '' ? undefined : value
}

function milliseconds(name: string, otherwise: number): number {
  const value = Number(variable(name))
  return value > 0 ? value : otherwise
}

function diagnosticsTo(log: Log): Parameters<typeof diag.setLogger>[0] {
  const warn = (message: string) => log.warn({ component: 'opentelemetry' }, message)
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} }
}

function flushedInTime(timer: Timer | undefined, work: Promise<void>): Promise<'flushed' | 'abandoned'> {
  const done = work.then(
    () => 'flushed' as const,
    () => 'abandoned' as const,
  )
  return inTime(done, 'abandoned', { delayMs: SHUTDOWN_MS, timer })
}
