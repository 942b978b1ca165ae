import { existsSync } from 'node:fs'
import type { ProposingStrategy } from '../../../schemas/warm-request.ts'
import type { Figure } from '../../harness/bench.ts'
import { singleRatio } from '../../harness/single-ratio.ts'
import type { Stage } from '../../stages/stage.ts'
import { DATASETS } from '../../traffic/datasets.ts'
import { PATTERNS, type Pattern } from '../../traffic/planted-weeks.ts'
import { SCHEDULES, type Scheduled, type ScheduleKey, scheduled, type Traffic } from '../../traffic/scheduled.ts'
import { plantedReads, recordedReads } from '../../traffic/timed-reads.ts'

const PAIRS = 1_000
const SLOTS = 200
const RECORDED_SHARE = 0.05
const SEEDS = [1, 2, 3]
const HOURS = 72

interface Kind {
  readonly schedule: ScheduleKey
  readonly strategy: ProposingStrategy
  /** The pattern in which it has something to find. */
  readonly pattern: Pattern
  /** With the others' slots, pairs that are read more and more never leave L1, so that nothing is left to warm. */
  readonly slots?: number
  /** The share of its warms that is to be read. */
  readonly askedFor?: number
}

const KINDS: readonly Kind[] = [
  { schedule: 'popular', strategy: 'popular', pattern: 'daily', askedFor: 0.75 },
  { schedule: 'timeOfDay', strategy: 'time_of_day', pattern: 'daily', askedFor: 0.9 },
  { schedule: 'sessions', strategy: 'market_open', pattern: 'sessions', askedFor: 0.9 },
  { schedule: 'preMarket', strategy: 'pattern', pattern: 'weekly', askedFor: 0.8 },
  { schedule: 'trending', strategy: 'trending', pattern: 'rising', slots: SLOTS / 2, askedFor: 0.65 },
  { schedule: 'sectorRotation', strategy: 'sector_rotation', pattern: 'sectors' },
]

/** Warms read, points of hit ratio and loads of each schedule alone, and of all of them. */
export async function* bySchedule(stage: Stage): AsyncIterable<Figure> {
  const seeds = SEEDS.slice(0, stage.amount(SEEDS.length, 1))
  const hours = stage.amount(HOURS, 24)
  for (const pattern of PATTERNS) {
    const traffics = () => seeds.map((seed) => plantedReads(pattern, { pairs: PAIRS, seed, hours }))
    const kinds = KINDS.filter((kind) => kind.pattern === pattern)
    yield* onTraffic(pattern, { traffics, kinds, slots: SLOTS })
  }
  if (!existsSync(DATASETS)) {
    console.error(`history: no recorded days measured, as there is no ${DATASETS}`)
    return
  }
  const recorded = await recordedReads()
  const kinds = KINDS.map(({ schedule, strategy, pattern }) => ({ schedule, strategy, pattern }))
  const slots = Math.round(recorded.names.length * RECORDED_SHARE)
  yield* onTraffic('recorded days', { traffics: () => [recorded], kinds, slots })
}

interface Played {
  /** Made anew for each run. */
  traffics(): readonly Traffic[]
  readonly kinds: readonly Kind[]
  readonly slots: number
}

async function* onTraffic(name: string, { traffics, kinds, slots: usual }: Played): AsyncIterable<Figure> {
  const run = async (schedules: readonly ScheduleKey[], slots: number) => {
    const runs: Scheduled[] = []
    for (const traffic of traffics()) runs.push(await scheduled(traffic, { slots, schedules }))
    return runs
  }
  const off = await run([], usual)
  const all = await run(SCHEDULES, usual)
  const points = (on: readonly Scheduled[], without = off) => (mean(on, 'hitRatio') - mean(without, 'hitRatio')) * 100
  const value = (what: string, unit: string, figure: number): Figure => ({
    ...{ kind: 'value', case: `${name}: ${what}`, unit, value: figure },
  })
  yield value('loads with all schedules ÷ without', 'ratio', mean(all, 'loads') / mean(off, 'loads'))
  yield value('all schedules, points of hit ratio', 'points', points(all))
  for (const { schedule, strategy, askedFor, slots = usual } of kinds) {
    const on = await run([schedule], slots)
    const without = slots === usual ? off : await run([], slots)
    const read = shareRead(on, strategy)
    const what = `${schedule}, warms read`
    if (askedFor === undefined) yield value(what, 'share', read)
    else yield singleRatio({ case: `${name}: ${what}`, unit: 'share', anchor: 'asked for' }, read, askedFor)
    yield value(`${schedule}, points of hit ratio`, 'points', points(on, without))
  }
}

function mean(runs: readonly Scheduled[], of: 'hitRatio' | 'loads'): number {
  return runs.reduce((sum, run) => sum + run[of], 0) / runs.length
}

/** Counts the warms that have ended. Not a number if there were none. */
function shareRead(runs: readonly Scheduled[], strategy: ProposingStrategy): number {
  let [used, ended] = [0, 0]
  for (const { warms } of runs) {
    const { used: read = 0, unused = 0 } = warms[strategy] ?? {}
    used += read
    ended += read + unused
  }
  return used / ended
}
