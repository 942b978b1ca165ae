import { PairTable } from '../../src/cache/names/pair-table.ts'
import { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import { NestedMaps } from '../anchors/nested-maps.ts'
import type { Bench, Figure, Ratio } from '../harness/bench.ts'
import { collectGarbage, contest } from '../harness/contest.ts'
import { median, quantile } from '../harness/quantile.ts'
import type { Stage } from '../stages/stage.ts'
import { minedFrom } from '../traffic/mined.ts'
import { planted } from '../traffic/planted-workload.ts'

/** Measures the cost of observing an update, of keeping it, and of mining a minute of updates. */
export const tracker: Bench = { name: 'tracker', cases }

const CHAIN = 'ethereum'
const SHAPE = { updatesPerSecond: 20_000, signal: 0.3, seed: 1 }
const PAIRS = 5_000

interface Feed {
  readonly names: readonly string[]
  readonly timesMs: Float64Array
  readonly table: PairTable
}

async function* cases(stage: Stage): AsyncIterable<Figure> {
  // First, while there is no garbage of other measurements that could go meanwhile.
  yield { kind: 'value', case: 'memory a pair, 5,000 pairs, a minute', unit: 'B', value: bytesAPair() }
  yield* await besideNestedMaps(stage, PAIRS, stage.amount(4_000, 1_000))
  yield* await besideNestedMaps(stage, 100, stage.amount(100_000, 20_000))
  yield* observing(stage)
  const seconds = stage.amount(60, 5)
  const { found, miningMs } = minedFrom(planted({ ...SHAPE, pairs: PAIRS, seconds }), PAIRS)
  yield { kind: 'value', case: 'mining a minute of 20,000/s, 5,000 pairs', unit: 's', value: miningMs / 1000 }
  yield { kind: 'value', case: 'mining a minute of 20,000/s, 5,000 pairs: found', unit: 'ratio', value: found }
}

function feedOf(pairs: number, seconds: number): Feed {
  const { timesMs, pairIds } = planted({ ...SHAPE, pairs, seconds })
  const table = new PairTable({ maxPairs: pairs })
  const names = Array.from({ length: pairs }, (_, pairId) => nameOf(pairId))
  for (const name of names) table.register(CHAIN, name)
  return { names: Array.from(pairIds, (pairId) => names[pairId] as string), timesMs, table }
}

function nameOf(pairId: number): string {
  return `TOKEN${pairId}/USDC`
}

function trackerOf(pairs: number): Tracker {
  const mined = new MinedEdges({ maxPairs: pairs })
  // Nothing is logged while nobody reads.
  mined.read(0)
  return new Tracker({ maxPairs: pairs, mined })
}

/** Updates a second, the pair given by its name. The anchor gets the feed's first updates after a second of filling. */
function besideNestedMaps(stage: Stage, pairs: number, anchorUpdates: number): Promise<readonly Ratio[]> {
  const feed = feedOf(pairs, stage.amount(30, 5))
  const ours = trackerOf(pairs)
  let offsetMs = 0
  return contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    anchor: 'nested maps',
    measureAnchor: () => anchorRate(feed, anchorUpdates),
    ours: {
      [`observe, ${pairs.toLocaleString('en')} pairs`]: () => {
        offsetMs += 60_000
        return observeRate(ours, feed, offsetMs)
      },
    },
  })
}

function anchorRate({ names, timesMs }: Feed, updates: number): number {
  const maps = new NestedMaps()
  const filled = Math.min(2_000, names.length - updates)
  for (let at = 0; at < filled; at++) maps.observe(names[at] as string, timesMs[at] as number)
  const startMs = performance.now()
  for (let at = filled; at < filled + updates; at++) maps.observe(names[at] as string, timesMs[at] as number)
  return (updates * 1000) / (performance.now() - startMs)
}

/** All of the feed, as much later as `offsetMs`: an update that is not newer would be cheaper. */
function observeRate(ours: Tracker, { names, timesMs, table }: Feed, offsetMs: number): number {
  const startMs = performance.now()
  for (let at = 0; at < names.length; at++)
    ours.observe(table.find(CHAIN, names[at] as string), (timesMs[at] as number) + offsetMs)
  return (names.length * 1000) / (performance.now() - startMs)
}

function* observing(stage: Stage): Iterable<Figure> {
  const nsByPairs: number[] = []
  for (const pairs of [100, PAIRS, 20_000]) {
    const feed = feedOf(pairs, stage.amount(30, 5))
    const ours = trackerOf(pairs)
    const values: number[] = []
    for (let round = 0; round <= stage.runs; round++) {
      const ns = 1e9 / observeRate(ours, feed, round * 60_000)
      if (round > 0) values.push(ns)
    }
    const name = `observe a pair by its name, ${pairs.toLocaleString('en')} pairs`
    nsByPairs.push(median(values))
    yield { kind: 'value', case: name, unit: 'ns', value: median(values) }
    yield { kind: 'value', case: `${name}: p99`, unit: 'ns', value: p99Ns(ours, feed) }
  }
  const value = Math.max(...nsByPairs) / Math.min(...nsByPairs)
  yield { kind: 'value', case: 'observe, the slowest of 100 to 20,000 pairs ÷ the fastest', unit: 'ratio', value }
}

/** Times single calls, with the two looks at the clock. */
function p99Ns(ours: Tracker, { names, timesMs, table }: Feed): number {
  const ns: number[] = []
  for (let at = 0; at < Math.min(names.length, 200_000); at++) {
    const startMs = performance.now()
    ours.observe(table.find(CHAIN, names[at] as string), (timesMs[at] as number) + 3_600_000)
    ns.push((performance.now() - startMs) * 1e6)
  }
  return quantile(ns, 0.99)
}

/** Heap and buffers of names, tracker, log and rows, when a minute was observed. */
function bytesAPair(): number {
  const { timesMs, pairIds } = planted({ ...SHAPE, pairs: PAIRS, seconds: 60 })
  const before = bytesUsed()
  const table = new PairTable({ maxPairs: PAIRS })
  for (let pairId = 0; pairId < PAIRS; pairId++) table.register(CHAIN, nameOf(pairId))
  const ours = trackerOf(PAIRS)
  for (const [at, pairId] of pairIds.entries()) ours.observe(pairId, timesMs[at])
  const bytes = bytesUsed() - before
  // Asked last, so that all of it is there still, the feed included.
  if (ours.totalUpdates * 2 !== timesMs.length + pairIds.length || table.size !== PAIRS)
    throw new Error('not all was observed')
  return bytes / PAIRS
}

function bytesUsed(): number {
  // Buffers are freed by the collection after the one that found them.
  for (let round = 0; round < 3; round++) collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
