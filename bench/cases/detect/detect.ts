import { join } from 'node:path'
import { readPriceTape } from '../../../src/simulate/traffic/price-tape.ts'
import type { Bench, Figure } from '../../harness/bench.ts'
import { contest, ratioOf } from '../../harness/contest.ts'
import { quantile } from '../../harness/quantile.ts'
import { startRelay } from '../../stages/relay.ts'
import type { Stage } from '../../stages/stage.ts'
import { DATASETS } from '../../traffic/datasets.ts'
import { type DetectedDay, type DetectingDay, detectDay } from './detecting-day.ts'

/** How long updates take until their handlers have settled, with warming and without. */
export const detect: Bench = { name: 'detect', readsDatasets: true, cases }

const DAY = '2026-07-10'
const MAX_READS = 8
const SPACING_US = 50
const ANCHOR = 'without warming'
const ALL_SWEEPS = 97
/** A trip takes so long that the whole day would take minutes. */
const FAR_SWEEPS = 15
const RELAY_MS = 1
/** More than the trip through the relay, which the default of 2 ms is not. */
const FAR_LOOK_AHEAD_MS = 5

type Way = Omit<DetectingDay, 'rollout'>

const together: DetectingDay['read'] = (prices, chain, pairs) => prices.getMany(chain, pairs)
const oneByOne: DetectingDay['read'] = async (prices, chain, pairs) => {
  for (const pair of pairs) await prices.getOrLoad(chain, pair)
}

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const file = (rest: string) => join(DATASETS, 'polymarket', `${DAY}.${rest}`)
  const files = { prices: file('ndjson.gz'), events: file('events.csv.gz') }
  const tape = await readPriceTape({ ...files, maxReads: MAX_READS, spacingUs: SPACING_US })
  const { redisUrl } = await stage.backends()
  const near = { tape, redisUrl, sweeps: stage.amount(ALL_SWEEPS, 5) }
  yield* compared(stage, 'read together', { ...near, read: together })
  yield* compared(stage, 'read one by one', { ...near, read: oneByOne })
  if (stage.quick) return
  const relay = await startRelay(redisUrl, RELAY_MS)
  try {
    const far = { redisUrl: relay.url, sweeps: FAR_SWEEPS, lookAheadMs: FAR_LOOK_AHEAD_MS }
    yield* compared(stage, 'read together, 2 ms added', { ...near, ...far, read: together })
  } finally {
    await relay.close()
  }
}

async function* compared(stage: Stage, name: string, way: Way): AsyncIterable<Figure> {
  const ours: DetectedDay[] = []
  const anchors: DetectedDay[] = []
  const measure = (warming: boolean, runs: DetectedDay[]) => async (): Promise<number> => {
    const run = await detectDay(stage, { ...way, rollout: warming ? 'full' : 'off' })
    runs.push(run)
    return mean(run.turnMs)
  }
  const settled = 'until settled, mean'
  yield* await contest(stage, {
    unit: 'ms',
    better: 'lower',
    rounds: stage.amount(stage.runs, 1),
    anchor: ANCHOR,
    measureAnchor: measure(false, anchors),
    ours: { [`taken up ${settled}, ${name}`]: measure(true, ours) },
  })
  // The first of each warmed up. `--against` leaves the anchor out.
  const [counted, unwarmed] = [ours.slice(1), anchors.slice(1)]
  if (unwarmed.length > 0) {
    const [values, anchorValues] = [counted, unwarmed].map((runs) => runs.map(({ batchMs }) => mean(batchMs)))
    yield ratioOf({
      ...{ case: `batch handed over ${settled}, ${name}`, unit: 'ms', better: 'lower', anchor: ANCHOR },
      ...{ values: values ?? [], anchorValues: anchorValues ?? [] },
    })
  }
  for (const [of, runs] of Object.entries({ 'with warming': counted, [ANCHOR]: unwarmed })) {
    if (runs.length === 0) continue
    const all = Float64Array.from(runs.flatMap(({ turnMs }) => turnMs))
    const value = (what: string, unit: string, value: number): Figure => ({
      ...{ kind: 'value', case: `${what}, ${of}, ${name}`, unit, value },
    })
    yield value('taken up until settled, p50', 'ms', quantile(all, 0.5))
    yield value('taken up until settled, p99', 'ms', quantile(all, 0.99))
    yield value('hit ratio', 'of reads', mean(runs.map(({ hitRatio }) => hitRatio)))
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
