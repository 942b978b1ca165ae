import { createServer, type IncomingMessage, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { metrics as globalMetrics, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { Telemetry, TelemetryOptions } from '../../src/telemetry/sdk.ts'
import { startSdk } from '../../src/telemetry/sdk.ts'
import type { Timer } from '../../src/timer.ts'

const CONFIG = { metrics: { enabled: true, prefix: 'arbitrage_' } }
const OTEL_VARIABLES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TIMEOUT']

/** More than a busy machine takes to send. */
const NEVER: Timer = () => () => undefined

const started: Telemetry[] = []
const servers: Server[] = []

async function telemetryOf(options: Partial<TelemetryOptions> = {}): Promise<Telemetry> {
  const telemetry = await startSdk({
    config: CONFIG,
    metrics: createMetrics(),
    serviceName: 'test',
    version: '1.2.3',
    ...options,
  })
  started.push(telemetry)
  return telemetry
}

/** A collector on this machine. With `answers: false` it takes requests and does not answer. */
async function collector(answers: boolean): Promise<{ readonly bodies: Map<string, string> }> {
  const bodies = new Map<string, string>()
  const server = createServer((request, response) => {
    void textOf(request).then((body) => {
      bodies.set(request.url ?? '', body)
      if (answers) response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The collector has no port')
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${address.port}`
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json'
  if (!answers) process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '500'
  return { bodies }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

beforeEach(() => {
  for (const name of OTEL_VARIABLES) delete process.env[name]
})

afterEach(async () => {
  for (const telemetry of started.splice(0)) await telemetry.shutdown()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

describe('startSdk', () => {
  test('makes no spans if nothing asks for them', async () => {
    const { tracer, shutdown } = await telemetryOf({ timer: NEVER })
    expect(tracer.startSpan('nothing').isRecording()).toBe(false)
    expect(await shutdown()).toBe('flushed')
  })

  test('keeps parent and child in one trace, also after an await', async () => {
    const exporter = new InMemorySpanExporter()
    const spanProcessors = [new SimpleSpanProcessor({ exporter })]
    const { tracer } = await telemetryOf({ spanProcessors })
    await tracer.startActiveSpan('request', async (parent) => {
      await Promise.resolve()
      tracer.startSpan('load').end()
      parent.end()
    })
    const [child, parent] = exporter.getFinishedSpans()
    expect(child?.spanContext().traceId).toBe(parent?.spanContext().traceId)
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId)
    expect(parent?.resource.attributes).toMatchObject({ 'service.name': 'test', 'service.version': '1.2.3' })
  })

  test('sends metrics and spans to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names', async () => {
    const { bodies } = await collector(true)
    const metrics = createMetrics()
    metrics.counter('price_updates_total', { chain: 'base' }).add(5)
    metrics.histogram('warming_duration_ms').record(3)
    const { tracer, shutdown } = await telemetryOf({ metrics, timer: NEVER })
    tracer.startSpan('warm').end()
    expect(await shutdown()).toBe('flushed')
    expect(bodies.get('/v1/traces')).toContain('"name":"warm"')
    const sent = bodies.get('/v1/metrics') ?? ''
    expect(sent).toContain('"name":"arbitrage_price_updates_total"')
    expect(sent).toContain('"name":"arbitrage_warming_duration_seconds"')
    expect(sent).toContain('"name":"process_resident_memory_bytes"')
  })

  test('gives up on a collector that does not answer', async () => {
    await collector(false)
    const { tracer, shutdown } = await telemetryOf()
    tracer.startSpan('warm').end()
    expect(await shutdown()).toBe('abandoned')
    expect(await shutdown()).toBe('abandoned')
  })

  test('leaves the process’s globals as it found them', async () => {
    const before = globalMetrics.getMeterProvider()
    const { shutdown } = await telemetryOf({ spanProcessors: [] })
    expect(globalMetrics.getMeterProvider()).not.toBe(before)
    await shutdown()
    expect(globalMetrics.getMeterProvider()).toBe(before)
  })

  test('lets a second node of the process scrape its own metrics and start where the first stopped', async () => {
    const exporter = new InMemorySpanExporter()
    const [one, two] = [createMetrics(), createMetrics()]
    one.counter('price_updates_total').add(1)
    two.counter('price_updates_total').add(2)
    const first = await telemetryOf({ metrics: one })
    const second = await telemetryOf({ metrics: two })
    expect((await first.scrape()).body).toContain('arbitrage_price_updates_total{chain="all"} 1')
    expect((await second.scrape()).body).toContain('arbitrage_price_updates_total{chain="all"} 2')
    await second.shutdown()
    expect((await first.scrape()).body).toContain('arbitrage_price_updates_total{chain="all"} 1')
    await first.shutdown()

    const third = await telemetryOf({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    third.tracer.startSpan('again').end()
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['again'])
  })

  test('does not replace a tracer provider that was registered before', async () => {
    const theirs = new InMemorySpanExporter()
    const first = await telemetryOf({ spanProcessors: [new SimpleSpanProcessor({ exporter: theirs })] })
    const ours = new InMemorySpanExporter()
    const second = await telemetryOf({ spanProcessors: [new SimpleSpanProcessor({ exporter: ours })] })
    second.tracer.startSpan('shared').end()
    await second.shutdown()
    trace.getTracer('theirs').startSpan('still there').end()
    expect(theirs.getFinishedSpans().map(({ name }) => name)).toEqual(['shared', 'still there'])
    await first.shutdown()
    expect(trace.getTracer('theirs').startSpan('gone').isRecording()).toBe(false)
  })
})
