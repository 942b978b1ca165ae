import { parentPort, workerData } from 'node:worker_threads'
import { Miner, type MinerOptions } from '../correlation/mined/miner.ts'
import type { Stretch } from '../correlation/mined/update-log.ts'

/** The thread's answer to each stretch, in turn. */
export interface Mined {
  /** Entries that were overwritten before they were mined, in all stretches until now. */
  readonly lost: number
}

/** A miner in a thread of its own, over the node's memory: it gets a stretch and answers when that is mined. */
const miner = new Miner(workerData as MinerOptions)
parentPort?.on('message', (stretch: Stretch) => {
  miner.mine(stretch)
  const answer: Mined = { lost: miner.lost }
  parentPort?.postMessage(answer)
})
