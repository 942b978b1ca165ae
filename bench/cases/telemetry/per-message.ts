import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { decodePrices } from '../../../schemas/price-record.ts'
import { truncateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { ChainCounters } from '../../../src/telemetry/by-chain.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import type { Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import type { Stage } from '../../stages/stage.ts'
import { PAIRS, updateAt } from '../../traffic/price-feed.ts'

const MESSAGES = 1_000
/** A node times one update of as many. */
const TIMED_EVERY = 32
const SAMPLED = 0.01

/** Decodes messages one by one, and counts each and its duration: with our cells, or with the SDK and a span. */
export async function perMessage(stage: Stage): Promise<readonly Figure[]> {
  const values = Array.from({ length: MESSAGES }, (_, at) => Buffer.from(encodePriceJson(updateAt(at, Date.now()))))
  const table = new PairTable({ maxPairs: PAIRS })
  const columns = updateColumns(1)
  const decode = (value: Buffer): number => {
    truncateColumns(columns, 0)
    const fault = decodePrices(value, columns, table)
    if (fault !== undefined) throw new Error(fault.detail)
    return table.chainOf(columns.pairIds[0] as number)
  }
  const messages = stage.amount(1_000_000, 100_000)
  const rate = (handle: (value: Buffer) => void) => (): number => {
    const beganMs = performance.now()
    for (let done = 0; done < messages; done += MESSAGES) for (const value of values) handle(value)
    return (messages * 1000) / (performance.now() - beganMs)
  }
  return contest(stage, {
    unit: 'messages/s',
    better: 'higher',
    anchor: 'counter.add, histogram.record and a span of the plain SDK',
    measureAnchor: rate(withSdk(table, decode)),
    ours: { 'a message is decoded and counted': rate(withCells(table, decode)) },
  })
}

type Decode = (value: Buffer) => number

function withCells(table: PairTable, decode: Decode): (value: Buffer) => void {
  const metrics = createMetrics()
  const updates = new ChainCounters({ metrics, chainName: (id) => table.chainName(id) }, 'price_updates_total')
  const us = metrics.histogram('correlation_tracking_duration_us')
  let count = 0
  return (value) => {
    const isTimed = count++ % TIMED_EVERY === 0
    const beganMs = isTimed ? performance.now() : 0
    updates.at(decode(value)).add(1)
    if (isTimed) us.record((performance.now() - beganMs) * 1000)
  }
}

function withSdk(table: PairTable, decode: Decode): (value: Buffer) => void {
  const meter = new MeterProvider().getMeter('bench')
  const updates = meter.createCounter('updates')
  const us = meter.createHistogram('duration')
  const sampler = new TraceIdRatioBasedSampler(SAMPLED)
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const tracer = provider.getTracer('bench')
  let count = 0
  return (value) => {
    const span = tracer.startSpan('process')
    const beganMs = performance.now()
    const chain = table.chainName(decode(value))
    updates.add(1, { chain })
    us.record((performance.now() - beganMs) * 1000, { chain })
    span.end()
    if (count++ % 100_000 === 0) exporter.reset()
  }
}
