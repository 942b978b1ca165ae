import { parentPort, workerData } from 'node:worker_threads'
import { Miner, type MinerOptions } from '../correlation/mined/miner.ts'
import type { Stretch } from '../correlation/mined/update-log.ts'

/** Said of every stretch, in turn. */
export interface Mined {
  /** Entries of this stretch and those before it that were overwritten before they were mined. */
  readonly lost: number
}

/** The miner in a thread of its own, over the node's memory: a stretch in, word that it is mined out. */
const miner = new Miner(workerData as MinerOptions)
parentPort?.on('message', (stretch: Stretch) => {
  miner.mine(stretch)
  const said: Mined = { lost: miner.lost }
  parentPort?.postMessage(said)
})
