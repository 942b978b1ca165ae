import {
  type LeaderName,
  type LeaderRecord,
  MAX_MINED,
  MAX_READS,
} from '../../../schemas/correlations/leader-record.ts'
import type { LeaderEdges } from '../leader-edges.ts'
import { markKindOf } from '../mined/mined-edges.ts'
import { READ_BIT } from '../mined/update-log.ts'

/** Pairs have ids inside, and names in records. */
export interface PairNames {
  namesOf(pairId: number): LeaderName
  /** The pair's id, a new one if it has none yet; negative if there is no room for it. */
  idOf(chain: string, pair: string): number
}

/** What is known of a leader, as its record says it. `by`: the writer. */
export function recordOf(leader: number, edges: LeaderEdges, by: string, names: PairNames): LeaderRecord {
  const reads = edges.reads.slice(0, MAX_READS)
  const mined = edges.mined.slice(0, MAX_MINED)
  const asOfMs = Number.isFinite(edges.asOfMs) ? Math.round(edges.asOfMs) : 0
  const followers = [...reads.map(({ pairId }) => pairId), ...mined.map(({ mark }) => mark >> 1)].map((pairId) =>
    names.namesOf(pairId),
  )
  const { chain } = names.namesOf(leader)
  return {
    ...{ v: 1, by, asOfMs },
    pairs: followers.map(({ pair }) => pair),
    ...(followers.some((follower) => follower.chain !== chain) && { chains: followers.map((each) => each.chain) }),
    lagsMs: [...reads, ...mined].map(({ lagMs }) => rounded(lagMs, 10)),
    rates: reads.map(({ rate }) => Math.min(1, rounded(rate, 1000))),
    follow: mined.map(({ mark }) => markKindOf(mark)),
    hits: mined.map(({ hits }) => rounded(hits, 10)),
    trials: mined.map(({ trials }) => rounded(trials, 10)),
    lifts: mined.map(({ lift }) => Number(lift.toPrecision(3))),
    zs: mined.map(({ z }) => rounded(z, 100)),
    agoSeconds: mined.map(({ lastMs }) => Math.max(0, Math.round((asOfMs - lastMs) / 1000)) || 0),
  }
}

/** The edges that a record tells of, but for those to pairs that there is no room for. */
export function edgesOf({ chain }: LeaderName, record: LeaderRecord, names: PairNames): LeaderEdges {
  const { pairs, chains, lagsMs, rates, asOfMs } = record
  const ids = pairs.map((pair, at) => names.idOf(chains?.[at] ?? chain, pair))
  const reads = rates.map((rate, at) => ({ pairId: ids[at] ?? -1, rate, lagMs: lagsMs[at] ?? 0 }))
  const mined = record.hits.map((hits, at) => {
    const edge = rates.length + at
    const isRead = record.follow[at] === 'missed'
    return {
      mark: (ids[edge] ?? -1) * 2 + (isRead ? READ_BIT : 0),
      hits,
      trials: record.trials[at] ?? 0,
      lagMs: lagsMs[edge] ?? 0,
      lift: record.lifts[at] ?? 0,
      z: record.zs[at] ?? 0,
      lastMs: asOfMs - (record.agoSeconds[at] ?? 0) * 1000,
    }
  })
  return { reads: reads.filter(({ pairId }) => pairId >= 0), mined: mined.filter(({ mark }) => mark >= 0), asOfMs }
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts
}
