import { once } from 'node:events'
import { registerHooks } from 'node:module'
import type { Stack } from '../../deploy/stack/stack.ts'
import type { Stage } from '../stages/stage.ts'
import type { Ratio } from './bench.ts'
import type { Sample } from './comparison.ts'
import { type Contest, collectGarbage, type Measure, type Rounds, ratioOf as ratioOfRounds } from './contest.ts'
import { median } from './quantile.ts'

/**
 * `--against` loads this before the `bench/run.ts` of either tree. It replaces two modules that every tree has:
 * `contest.ts`, so that both sides are measured alike, and `stack.ts`, so that both use the same Kafka and Redis.
 */
const REPLACED = /\/(?:bench\/(?:.+\/)?contest|deploy\/stack\/stack)\.ts$/

/** A bench that cannot measure all that has a floor would end with an error. */
const FLOORS = /\/bench\/floors\.json$/
const NO_FLOORS = 'data:application/json,{}'

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context)
    if (FLOORS.test(resolved.url)) return { ...resolved, url: NO_FLOORS }
    return REPLACED.test(resolved.url) ? { ...resolved, url: import.meta.url } : resolved
  },
})

/** A shorter measurement is repeated: a single turn of another process would spoil it. */
const SHORT_MS = 500
const REPEATS = 5

/** The figures that the tree's own lines of `--json` leave out. */
export interface Note extends Sample {
  readonly case: string
}

/** A wish for the stack is answered with it. */
export type Message = Note | 'stack'

export type GivenStack = Pick<Stack, 'brokers' | 'redisUrl'>

function tell(message: Message): void {
  process.send?.(message)
}

process.once('beforeExit', () => {
  tell({ case: 'the whole process', cpuSeconds: cpuSeconds() })
})

/** One round warms up, one counts, and the anchor is left out: the other side takes its part. */
export async function contest(stage: Stage, { unit, better, anchor, ours }: Contest): Promise<readonly Ratio[]> {
  Object.assign(stage, { runs: 1 })
  const repeats = new Map<string, number>()
  for (const [name, measure] of Object.entries(ours)) {
    const startMs = performance.now()
    await measured(measure)
    repeats.set(name, performance.now() - startMs < SHORT_MS ? REPEATS : 1)
  }
  const ratios: Ratio[] = []
  for (const [name, measure] of Object.entries(ours)) {
    const rounds = []
    for (let round = 0; round < (repeats.get(name) ?? 1); round++) rounds.push(await measured(measure))
    const values = rounds.map(({ value }) => value)
    tell({ case: name, cpuSeconds: median(rounds.map((round) => round.cpuSeconds)) })
    ratios.push(ratioOf({ case: name, unit, better, anchor, values }))
  }
  return ratios
}

async function measured(measure: Measure): Promise<{ readonly value: number; readonly cpuSeconds: number }> {
  collectGarbage()
  const before = cpuSeconds()
  const value = await measure()
  return { value, cpuSeconds: cpuSeconds() - before }
}

export function ratioOf(rounds: Omit<Rounds, 'anchorValues'>): Ratio {
  tell({ case: rounds.case, better: rounds.better })
  return ratioOfRounds({ ...rounds, anchorValues: [Number.NaN] })
}

export { collectGarbage }

/** The stack of both sides; it is not ours to stop. */
export async function startStack(): Promise<GivenStack & Pick<Stack, 'stop'>> {
  tell('stack')
  const [given] = (await once(process, 'message')) as [GivenStack]
  return { ...given, stop: async () => undefined }
}

/** CPU time that all threads have used so far. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
