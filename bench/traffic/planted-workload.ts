import { mulberry32 } from '../../src/simulate/mulberry32.ts'
import { zipf } from '../../src/simulate/traffic/zipf.ts'

/**
 * Updates in which some pairs are known to follow others. Pairs 5g to 5g + 4 are a group, and the first is its leader.
 * Noise is a Poisson process; its pairs are drawn by Zipf(1) over a random permutation. Activations are a Poisson process
 * too; their groups are drawn by Zipf(1). In an activation the leader is updated. Each of the four others follows with a
 * probability of 0.7, after an exponential lag with a mean of 40 ms. Times are whole milliseconds.
 */
export interface PlantedOptions {
  readonly pairs: number
  readonly updatesPerSecond: number
  /** The share of the updates that belong to activations. */
  readonly signal: number
  readonly seconds: number
  readonly seed: number
}

export interface Planted {
  readonly timesMs: Float64Array
  readonly pairIds: Int32Array
}

const GROUP_PAIRS = 5
const FOLLOW_RATE = 0.7
const MEAN_LAG_MS = 40

export function planted(options: PlantedOptions): Planted {
  const random = mulberry32(options.seed)
  const { pairs, updatesPerSecond, signal } = options
  const timesMs: number[] = []
  const pairIds: number[] = []
  const add = (timeMs: number, pairId: number): void => {
    timesMs.push(timeMs)
    pairIds.push(pairId)
  }
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean
  const order = permutation(pairs, random)
  const pairRank = zipf(pairs, random)
  const groupRank = zipf(pairs / GROUP_PAIRS, random)
  const endMs = options.seconds * 1000
  for (let timeMs = 0; timeMs < endMs; ) {
    timeMs += exponential(1000 / (updatesPerSecond * (1 - signal)))
    add(timeMs, order[pairRank()] as number)
  }
  const perSecond = (updatesPerSecond * signal) / (1 + (GROUP_PAIRS - 1) * FOLLOW_RATE)
  for (let timeMs = 0; timeMs < endMs; ) {
    timeMs += exponential(1000 / perSecond)
    const leader = groupRank() * GROUP_PAIRS
    add(timeMs, leader)
    for (let pairId = leader + 1; pairId < leader + GROUP_PAIRS; pairId++)
      if (random() < FOLLOW_RATE) add(timeMs + exponential(MEAN_LAG_MS), pairId)
  }
  const byTime = Uint32Array.from(timesMs.keys()).sort((a, b) => (timesMs[a] as number) - (timesMs[b] as number))
  return {
    timesMs: Float64Array.from(byTime, (at) => Math.floor(timesMs[at] as number)),
    pairIds: Int32Array.from(byTime, (at) => pairIds[at] as number),
  }
}

/** The share of the planted followers that are among the first four of their leader, as `followers` ranks them. */
export function foundShare(pairs: number, followers: (leader: number, most: number) => readonly number[]): number {
  let found = 0
  for (let leader = 0; leader < pairs; leader += GROUP_PAIRS) {
    const first = followers(leader, GROUP_PAIRS - 1)
    found += first.filter((pairId) => Math.floor(pairId / GROUP_PAIRS) === leader / GROUP_PAIRS).length
  }
  return found / ((pairs / GROUP_PAIRS) * (GROUP_PAIRS - 1))
}

function permutation(length: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = order[i] as number
    order[i] = order[j] as number
    order[j] = kept
  }
  return order
}
