import { isMainThread, workerData } from 'node:worker_threads'
import { type EdgeMemory, EdgeRows, emptyRow } from '../../../src/correlation/mined/edge-rows.ts'

/** Writes rows of edges in turn until it is ended; all numbers of a row are the number of the write. */
if (!isMainThread) {
  const rows = new EdgeRows(workerData as EdgeMemory)
  const edges = emptyRow()
  for (let write = 1; ; write++) {
    const whole = { mark: write, hits: write, trials: write, lastSlice: write }
    // A Float32 tells whole numbers apart up to 2²⁴.
    const others = { lagMs: write % 2 ** 24, lift: write % 2 ** 24, z: write % 2 ** 24 }
    for (const edge of edges) Object.assign(edge, whole, others)
    rows.write(write % rows.memory.maxPairs, { edges, count: edges.length, minedTo: write })
  }
}
