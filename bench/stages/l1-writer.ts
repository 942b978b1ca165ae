import { parentPort, workerData } from 'node:worker_threads'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { L1 } from '../../src/cache/l1/l1.ts'

/** A thread that writes L1 at a steady rate until it is terminated; what it is given, and what it answers with. */
export interface L1WriterTask {
  readonly pairs: number
  readonly writesPerSecond: number
}

const WRITES_A_BEAT = 100

const { pairs, writesPerSecond } = workerData as L1WriterTask
const l1 = new L1({ slots: pairs, maxPairs: pairs })
const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN)
let version = 0

function put(): void {
  version++
  numbers[0] = version
  numbers[1] = version - 0.5
  numbers[2] = version + 0.5
  l1.update(version % pairs, version, numbers, 0)
}

for (let pair = 0; pair < pairs; pair++) put()
parentPort?.postMessage(l1.buffer)

const startMs = performance.now()
let written = 0
function beat(): void {
  const due = ((performance.now() - startMs) * writesPerSecond) / 1000
  for (; written < due; written += WRITES_A_BEAT) for (let i = 0; i < WRITES_A_BEAT; i++) put()
  // A loop would need a core of its own; the pause leaves time to the other threads.
  setTimeout(beat, 1)
}
beat()
