import { EdgeRows, emptyRow } from '../../src/correlation/mined/edge-rows.ts'
import { LOG_ENTRIES } from '../../src/correlation/mined/mined-edges.ts'
import { Miner } from '../../src/correlation/mined/miner.ts'
import { UpdateLog } from '../../src/correlation/mined/update-log.ts'
import { foundShare, type Planted } from './planted-workload.ts'

export interface Mined {
  /** The share of the planted followers. */
  readonly found: number
  readonly miningMs: number
}

/** Logs the workload, and mines it in the stretches of a node and at its end. */
export function minedFrom({ timesMs, pairIds }: Planted, pairs: number): Mined {
  const log = new UpdateLog({ maxPairs: pairs, entries: LOG_ENTRIES })
  const rows = EdgeRows.of(pairs)
  const readFrom = new Float64Array(new SharedArrayBuffer(pairs * 8))
  const miner = new Miner({ log: log.memory, edges: rows.memory, readFrom })
  let miningMs = 0
  const mine = (stretch = log.takeStretch()): void => {
    if (stretch === undefined) return
    const startMs = performance.now()
    miner.mine(stretch)
    miningMs += performance.now() - startMs
  }
  for (const [at, pairId] of pairIds.entries()) {
    log.update(pairId, 0, timesMs[at] as number)
    mine()
  }
  mine(log.endStretch())
  if (miner.lost + log.older + log.refusedMarks > 0) throw new Error('updates are missing from what was mined')
  const row = emptyRow()
  const followers = (leader: number, most: number): readonly number[] =>
    row.slice(0, Math.min(rows.read(leader, row), most)).map(({ mark }) => mark >> 1)
  return { found: foundShare(pairs, followers), miningMs }
}
