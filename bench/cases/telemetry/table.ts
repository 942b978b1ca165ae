import { setImmediate as turn } from 'node:timers/promises'
import { INSTRUMENTS, type Instrument, labelsOf } from '../../../src/telemetry/instruments.ts'
import { createMetrics, type MetricSlab } from '../../../src/telemetry/metrics.ts'
import { startSdk } from '../../../src/telemetry/sdk.ts'
import type { Figure } from '../../harness/bench.ts'
import { collectGarbage } from '../../harness/contest.ts'
import { quantile } from '../../harness/quantile.ts'
import type { Stage } from '../../stages/stage.ts'

const CHAINS = 20
/** The values of each label beside the chain. */
const VALUES = ['one', 'two', 'three']
/** What a handler takes at a time. */
const SLICE_MS = 1
const SCRAPES = 200

const [OF_CHAIN, OF_LABELS] = [[...Array(CHAINS).keys()].map((at) => `chain-${at}`), VALUES]

/** Scrapes of a table with every instrument for twenty chains, between slices of work that never end. */
export async function scraped(stage: Stage): Promise<readonly Figure[]> {
  const metrics = createMetrics()
  for (const chain of OF_CHAIN) for (const value of OF_LABELS) fill(metrics, chain, value)
  const config = { metrics: { enabled: true, prefix: 'arbitrage_' } }
  const telemetry = startSdk({ config, metrics, serviceName: 'bench', version: '0' })
  const [took, delays]: [number[], number[]] = [[], []]
  let isOver = false
  const load = (async () => {
    while (!isOver) {
      const sliceEndMs = performance.now() + SLICE_MS
      while (performance.now() < sliceEndMs) metrics.counter('price_updates_total', { chain: 'chain-0' }).add(1)
      const beganMs = performance.now()
      await turn()
      delays.push(performance.now() - beganMs)
    }
  })()
  for (let scrape = 0; scrape < stage.amount(SCRAPES, 20); scrape++) {
    const beganMs = performance.now()
    await telemetry.scrape()
    took.push(performance.now() - beganMs)
    for (let turns = 0; turns < 10; turns++) await turn()
  }
  isOver = true
  await load
  await telemetry.shutdown()
  const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b)
  return [
    { kind: 'value', case: 'scrape of 20 chains under load, p99', unit: 'ms', value: quantile(sorted(took), 0.99) },
    { kind: 'value', case: 'the loop waits for a scrape, p99.9', unit: 'ms', value: quantile(sorted(delays), 0.999) },
  ]
}

function fill(metrics: MetricSlab, chain: string, value: string): void {
  for (const instrument of INSTRUMENTS) {
    if (instrument.bare) continue
    const labels = { ...Object.fromEntries(labelsOf(instrument).map((label) => [label, value])), chain }
    event(metrics, instrument, labels)
  }
}

function event(metrics: MetricSlab, { name, kind }: Instrument, labels: Readonly<Record<string, string>>): void {
  if (kind === 'counter') metrics.counter(name, labels).add(1)
  if (kind === 'gauge') metrics.gauge(name, labels).set(1)
  if (kind === 'histogram') metrics.histogram(name, labels).record(1e-3)
}

/** The heap before and after ten million events of known label sets. */
export function* flat(stage: Stage): Iterable<Figure> {
  const metrics = createMetrics()
  const cells = OF_CHAIN.map((chain) => metrics.counter('price_updates_total', { chain }))
  const histograms = OF_CHAIN.map((chain) => metrics.histogram('correlation_tracking_duration_us', { chain }))
  const events = stage.amount(10_000_000, 1_000_000)
  const count = (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      cells[at % CHAINS]?.add(1)
      histograms[at % CHAINS]?.record(at % 300)
    }
  }
  count(0, 100_000)
  metrics.read()
  const before = used()
  count(0, events)
  metrics.read()
  yield { kind: 'value', case: 'heap after ten million events, grown by', unit: 'KB', value: (used() - before) / 1024 }
}

/** A hundred thousand pairs, each with a chain that somebody invented. */
export function* bounded(stage: Stage): Iterable<Figure> {
  const metrics = createMetrics()
  const messages = stage.amount(100_000, 20_000)
  for (let at = 0; at < messages; at++) metrics.counter('price_updates_total', { chain: `hostile-${at}` }).add(1)
  const numbers = metrics.read().find(({ instrument }) => instrument.name === 'price_updates_total')?.numbers ?? []
  const counted = numbers.reduce((sum, { value }) => sum + value, 0)
  if (counted !== messages) throw new Error(`${messages} messages came, ${counted} were counted`)
  const unit = 'label sets'
  yield { kind: 'value', case: 'hostile chains, 10⁵ messages', unit, value: numbers.length }
}

function used(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
