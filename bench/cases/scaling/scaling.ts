import type { Bench, Figure } from '../../harness/bench.ts'
import type { Stage } from '../../stages/stage.ts'
import { assignments } from './assignments.ts'
import { fences } from './fences.ts'
import { members } from './members.ts'
import { memory } from './memory.ts'

/** What docs/scaling.md computes with. */
export const scaling: Bench = { name: 'scaling', cases }

async function* cases(stage: Stage): AsyncIterable<Figure> {
  yield* assignments(stage)
  yield* members(stage)
  yield* fences(stage)
  yield* memory(stage)
}
