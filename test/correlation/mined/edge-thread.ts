import { isMainThread, workerData } from 'node:worker_threads'
import { type EdgeMemory, EdgeRows, emptyRow } from '../../../src/correlation/mined/edge-rows.ts'

/** Writes rows of edges in turn, all numbers of a row being that of the write, until it is ended. */
if (!isMainThread) {
  const rows = new EdgeRows(workerData as EdgeMemory)
  const edges = emptyRow()
  for (let write = 1; ; write++) {
    const whole = { event: write, hits: write, trials: write, lastSlice: write }
    // As large as a Float32 tells apart.
    const others = { lagMs: write % 2 ** 24, lift: write % 2 ** 24, z: write % 2 ** 24 }
    for (const edge of edges) Object.assign(edge, whole, others)
    rows.write(write % rows.memory.maxPairs, { edges, count: edges.length, minedTo: write })
  }
}
