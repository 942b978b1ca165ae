import type { Bench, Figure } from '../../harness/bench.ts'
import type { Stage } from '../../stages/stage.ts'
import { flooded } from './flood.ts'
import { loaded } from './load.ts'

/** A probe while callers take all they can, and usual callers of a node that handles updates as fast as it can. */
export const http: Bench = { name: 'http', cases }

async function* cases(stage: Stage): AsyncIterable<Figure> {
  yield* flooded(stage)
  yield* loaded(stage)
}
