import { isMainThread, parentPort } from 'node:worker_threads'
import { SLICE_MS, UpdateLog } from '../../../src/correlation/mined/update-log.ts'

const PAIRS = 1_000

/** Fills a log over and over until it is ended; each entry tells its own number. */
if (!isMainThread) {
  const log = new UpdateLog({ maxPairs: PAIRS, entries: 65_536 })
  for (let n = 0; ; n++) {
    log.update(n % PAIRS, 0, Math.floor(n / PAIRS) * SLICE_MS)
    if (n === 2 * log.memory.entries) parentPort?.postMessage(log.memory)
  }
}
