import { NestedMaps } from '../anchors/nested-maps.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { singleRatio } from '../harness/single-ratio.ts'
import type { Stage } from '../stages/stage.ts'
import { minedFrom } from '../traffic/mined.ts'
import { foundShare, type Planted, planted } from '../traffic/planted-workload.ts'

/** The share of followers, hidden in random updates, that the miner finds. Deterministic, over seeds 1 to 5. */
export const plantedPairs: Bench = { name: 'planted', cases }

const PAIRS = 1_000
const SEEDS = [1, 2, 3, 4, 5]

interface Cell {
  readonly updatesPerSecond: number
  readonly signal: number
  readonly seconds: number
  /** The share that is to be found. */
  readonly asked: number
}

const CELLS: readonly Cell[] = [
  { updatesPerSecond: 500, signal: 0.3, seconds: 60, asked: 0.54 },
  { updatesPerSecond: 2_000, signal: 0.3, seconds: 60, asked: 0.75 },
  { updatesPerSecond: 5_000, signal: 0.1, seconds: 60, asked: 0.39 },
  { updatesPerSecond: 20_000, signal: 0.3, seconds: 60, asked: 0.79 },
  { updatesPerSecond: 20_000, signal: 0.05, seconds: 60, asked: 0.2 },
  { updatesPerSecond: 20_000, signal: 0.05, seconds: 300, asked: 0.45 },
]

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const seeds = SEEDS.slice(0, stage.amount(SEEDS.length, 1))
  for (const cell of CELLS.slice(0, stage.amount(CELLS.length, 3))) {
    const values = seeds.map((seed) => minedFrom(planted({ pairs: PAIRS, ...cell, seed }), PAIRS).found)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    yield singleRatio({ case: nameOf(cell), unit: 'ratio', anchor: 'asked for' }, mean, cell.asked)
  }
  const [first] = CELLS
  if (first === undefined) return
  const value = byNestedMaps(planted({ pairs: PAIRS, ...first, seed: 1 }))
  yield { kind: 'value', case: `nested maps, ${nameOf(first)}, seed 1`, unit: 'ratio', value }
}

function nameOf({ updatesPerSecond, signal, seconds }: Cell): string {
  return `found of ${updatesPerSecond.toLocaleString('en')} updates/s, ${signal} of them signal, ${seconds} s`
}

function byNestedMaps({ timesMs, pairIds }: Planted): number {
  const maps = new NestedMaps()
  for (const [at, pairId] of pairIds.entries()) maps.observe(String(pairId), timesMs[at] as number)
  return foundShare(PAIRS, (leader, most) => maps.followers(String(leader), most).map(Number))
}
