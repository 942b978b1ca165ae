import type { Bench, Figure } from '../harness/bench.ts'
import { singleRatio } from '../harness/single-ratio.ts'
import type { Stage } from '../stages/stage.ts'
import { FORETELLERS, type Foreteller, type Foretold, foretold } from '../traffic/foretold.ts'
import { PATTERNS } from '../traffic/planted-weeks.ts'
import { bySchedule } from './parts/by-schedule.ts'

/** Measures what prediction from history foretells, and what schedules bring by it. Deterministic, over seeds 1 to 3. */
export const history: Bench = { name: 'history', cases }

const PAIRS = 1_000
const SEEDS = [1, 2, 3]

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const seeds = SEEDS.slice(0, stage.amount(SEEDS.length, 1))
  for (const pattern of PATTERNS) {
    const runs = seeds.map((seed) => foretold(pattern, { pairs: PAIRS, seed }))
    const mean = (name: Foreteller, of: keyof Foretold) =>
      runs.reduce((sum, run) => sum + run[name][of], 0) / runs.length
    const what = { case: `${pattern}: named and read`, unit: 'ratio', anchor: 'popular' }
    yield singleRatio(what, mean('recommended', 'named'), mean('popular', 'named'))
    for (const name of FORETELLERS)
      for (const [of, what] of [
        ['named', 'named and read'],
        ['reads', 'of the reads'],
      ] as const)
        yield { kind: 'value', case: `${pattern}: ${what}, ${name}`, unit: 'ratio', value: mean(name, of) }
  }
  yield* bySchedule(stage)
}
