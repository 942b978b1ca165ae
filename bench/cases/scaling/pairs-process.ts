import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { catchUp } from '../../stages/bench-node.ts'
import type { Backends, Backlog, ReaderStage } from '../../stages/stage.ts'

/** A node that reads one update of each pair, and has room for all of them in L1. */
export interface PairsTask {
  readonly backlog: Backlog
  readonly backends: Pick<Backends, 'brokers' | 'redisUrl'>
}

/** When all are handled and are in Redis, after a collection. */
export interface PairsHeld {
  readonly residentBytes: number
  readonly heapBytes: number
}

const { backlog, backends }: PairsTask = JSON.parse(process.argv[2] ?? '')
const stage: ReaderStage = { unique: (prefix) => `${prefix}-${process.pid}`, backends: async () => backends }

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

await catchUp(stage, { ...backlog, l1Slots: backlog.updates }, async (node) => {
  while (node.stats().l2.waitingEntries > 0) await new Promise((resolve) => setTimeout(resolve, 50))
  // Buffers are freed by the collection after the one that found them.
  for (let round = 0; round < 3; round++) collect()
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ residentBytes: rss, heapBytes: heapUsed })
})
process.exit()
