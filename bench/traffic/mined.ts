import { EdgeRows, emptyRow } from '../../src/correlation/mined/edge-rows.ts'
import { LOG_ENTRIES } from '../../src/correlation/mined/mined-edges.ts'
import { Miner } from '../../src/correlation/mined/miner.ts'
import { UpdateLog } from '../../src/correlation/mined/update-log.ts'
import { GROUP_PAIRS, type Planted } from './planted-workload.ts'

export interface Mined {
  /** The share of the planted followers that are among the first four of their leader. */
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
  if (miner.lost + log.older + log.refusedEvents > 0) throw new Error('updates are missing from what was mined')
  return { found: foundIn(rows, pairs), miningMs }
}

function foundIn(rows: EdgeRows, pairs: number): number {
  const row = emptyRow()
  let found = 0
  for (let leader = 0; leader < pairs; leader += GROUP_PAIRS) {
    const first = row.slice(0, Math.min(rows.read(leader, row), GROUP_PAIRS - 1))
    found += first.filter(({ event }) => Math.floor((event >> 1) / GROUP_PAIRS) === leader / GROUP_PAIRS).length
  }
  return found / ((pairs / GROUP_PAIRS) * (GROUP_PAIRS - 1))
}
