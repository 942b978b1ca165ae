import { parentPort, workerData } from 'node:worker_threads'
import { attachPrices, type SharedPrices } from '../../src/detect/attached-prices.ts'
import { mulberry32 } from '../harness/mulberry32.ts'

/** A thread that reads a cache's prices by name, while their names come and go. A price says whose it is. */
export interface ReadingTask {
  readonly shared: SharedPrices
  readonly names: number
  readonly reads: number
  readonly ofName: number
}

export interface ReadingTally {
  readonly hits: number
  /** Values of another name. */
  readonly wrong: number
  /** Versions lower than one that was read before of the name. */
  readonly back: number
}

function read({ shared, names, reads, ofName }: ReadingTask): ReadingTally {
  const prices = attachPrices(shared)
  const random = mulberry32(1)
  const seen = new Float64Array(names)
  let [hits, wrong, back] = [0, 0, 0]
  for (let left = reads; left > 0; left--) {
    const name = Math.floor(random() * names)
    const reading = prices.get('default', `P${name}`)
    if (typeof reading !== 'object') continue
    hits++
    if (Math.floor((reading.price ?? 0) / ofName) !== name) wrong++
    if (reading.version < (seen[name] as number)) back++
    seen[name] = reading.version
  }
  return { hits, wrong, back }
}

parentPort?.postMessage(read(workerData as ReadingTask))
