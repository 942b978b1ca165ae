import { join } from 'node:path'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Rollout } from '../../../src/rollout/rollout.ts'
import { readPriceTape } from '../../../src/simulate/traffic/price-tape.ts'
import type { Bench, Figure } from '../../harness/bench.ts'
import { median } from '../../harness/quantile.ts'
import type { Stage } from '../../stages/stage.ts'
import { DATASETS } from '../../traffic/datasets.ts'
import { detectDay } from '../detect/detecting-day.ts'
import { killed } from './kill.ts'

/** What the rollout costs an update, how fast a kill is, and how well shadow predicts. */
export const rollout: Bench = { name: 'rollout', readsDatasets: true, cases }

const DAY = '2026-07-10'
/** A power of two: a division would take longer than the check. */
const PAIRS = 4_096
const CHECKS = 20_000_000
const KILLS = 5
const SWEEPS = 97

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const value = (name: string, unit: string, figure: number): Figure => ({
    kind: 'value',
    case: name,
    unit,
    value: figure,
  })
  for (const [of, percent] of Object.entries({ 'all pairs warm': 100, 'a third of them': 33 })) {
    const rounds = Array.from({ length: stage.amount(7, 1) }, () => checkNs(stage.amount(CHECKS, 1_000_000), percent))
    yield value(`check of an update, ${of}`, 'ns', median(rounds))
  }
  const kills = []
  for (let n = 0; n < stage.amount(KILLS, 1); n++) kills.push(await killed(stage))
  yield value('last promotion after a kill, where it was given', 'ms', Math.max(...kills.map(({ hereMs }) => hereMs)))
  yield value('last promotion after a kill, on the other node', 'ms', Math.max(...kills.map(({ otherMs }) => otherMs)))
  yield* shadow(stage, value)
}

/** The same recorded day in shadow, and then in full. */
async function* shadow(
  stage: Stage,
  value: (name: string, unit: string, figure: number) => Figure,
): AsyncIterable<Figure> {
  const file = (rest: string) => join(DATASETS, 'polymarket', `${DAY}.${rest}`)
  const files = { prices: file('ndjson.gz'), events: file('events.csv.gz') }
  const tape = await readPriceTape({ ...files, maxReads: 8, spacingUs: 50 })
  const { redisUrl } = await stage.backends()
  const day = { tape, redisUrl, sweeps: stage.amount(SWEEPS, 5) }
  const read: Parameters<typeof detectDay>[1]['read'] = (prices, chain, pairs) => prices.getMany(chain, pairs)
  const inShadow = await detectDay(stage, { ...day, read, rollout: 'shadow' })
  const inFull = await detectDay(stage, { ...day, read, rollout: 'full' })
  const predicted = inShadow.predicted ?? Number.NaN
  yield value('shadow: promotions', 'warms', inShadow.warms)
  yield value('shadow: hit ratio without warming', 'of reads', inShadow.hitRatio)
  yield value('shadow: hit ratio that it predicts', 'of reads', predicted)
  yield value('full: hit ratio', 'of reads', inFull.hitRatio)
  yield value('shadow: predicted and shown hit ratio differ by', 'of reads', Math.abs(predicted - inFull.hitRatio))
}

/** Nanoseconds that one check takes, in a canary of so many percent of the pairs, in an order that no branch predictor knows. */
function checkNs(checks: number, percent: number): number {
  const table = new PairTable({ maxPairs: PAIRS })
  const ids = Int32Array.from({ length: PAIRS }, (_, n) => table.register('ethereum', `P${n}`))
  const value = { mode: 'canary', chains: 'all', percent, controlShare: 0, killed: false } as const
  const gate = new Rollout({ table, value })
  for (const id of ids) gate.includes(id)
  const loopMs = (isIn: (id: number) => boolean): number => {
    let included = 0
    const startMs = performance.now()
    for (let n = 0; n < checks; n++) if (isIn(ids[n & (PAIRS - 1)] as number)) included++
    const ms = performance.now() - startMs
    if (included === 0) throw new Error('no pair is in the canary')
    return ms
  }
  // What the loop itself takes is left out.
  const bareMs = loopMs((id) => id >= 0)
  return ((loopMs((id) => gate.includes(id)) - bareMs) * 1_000_000) / checks
}
