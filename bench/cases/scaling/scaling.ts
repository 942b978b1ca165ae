import type { Bench, Figure } from '../../harness/bench.ts'
import type { Stage } from '../../stages/stage.ts'
import { assignments } from './assignments.ts'

/** What docs/scaling.md computes with. */
export const scaling: Bench = { name: 'scaling', cases }

async function* cases(stage: Stage): AsyncIterable<Figure> {
  yield* assignments(stage)
}
