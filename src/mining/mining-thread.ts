import { parentPort, workerData } from 'node:worker_threads'
import { Miner, type MinerOptions } from '../correlation/mined/miner.ts'
import type { Stretch } from '../correlation/mined/update-log.ts'

/** The thread's answer to each stretch, in turn. */
export interface Mined {
  /** Entries that were overwritten before they were mined, in all stretches until now. */
  readonly lost: number
  readonly work: MiningWork
}

/** What mining took and did, in all stretches until now. */
export interface MiningWork {
  readonly ms: number
  /** Leaders that were mined, and leaders that had too few new occurrences. */
  readonly mined: number
  readonly skipped: number
}

/** A miner in a thread of its own, over the node's memory: it gets a stretch and answers when that is mined. */
const miner = new Miner(workerData as MinerOptions)
let ms = 0
parentPort?.on('message', (stretch: Stretch) => {
  const beganMs = performance.now()
  miner.mine(stretch)
  ms += performance.now() - beganMs
  const answer: Mined = { lost: miner.lost, work: { ms, mined: miner.mined, skipped: miner.skipped } }
  parentPort?.postMessage(answer)
})
