import { Worker } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import { EdgeRows, emptyRow, type MinedEdge } from '../../../src/correlation/mined/edge-rows.ts'

const [blank] = emptyRow()
const edges = [{ ...blank, mark: 4, hits: 3, trials: 5, lastSlice: 7, lagMs: 30, lift: 2, z: 4.5 }] as const

/** Ends like a writer whose thread is lost in the middle of a row. */
function killedWriter(rows: EdgeRows): void {
  const dying = [
    {
      ...edges[0],
      get hits(): number {
        throw new Error('killed')
      },
    },
  ]
  expect(() => rows.write(1, { edges: dying, count: 1, minedTo: 9 })).toThrow('killed')
}

test('a row whose writer was killed reads as empty until the next writer writes it', () => {
  const rows = EdgeRows.of(3)
  const row = emptyRow()
  rows.write(1, { edges, count: 1, minedTo: 8 })
  killedWriter(rows)
  expect(rows.read(1, row)).toBe(0)
  const next = new EdgeRows(rows.memory)
  for (const minedTo of [10, 11]) {
    next.write(1, { edges, count: 1, minedTo })
    expect([rows.read(1, row), row[0]]).toEqual([1, { ...edges[0], minedTo }])
  }
})

test('a row that was read is a copy, which later writes leave as it is', () => {
  const rows = EdgeRows.of(3)
  const row = emptyRow()
  const minedTo = 2 ** 40 + 2 ** 31
  rows.write(2, { edges, count: 1, minedTo })
  rows.read(2, row)
  rows.write(2, { edges: [{ ...edges[0], hits: 4 }], count: 1, minedTo: 9 })
  expect(row[0]).toEqual({ ...edges[0], minedTo })
})

test('a row that another thread writes meanwhile is read whole, or not at all', async () => {
  const rows = EdgeRows.of(3)
  const row = emptyRow()
  const writer = new Worker(new URL('./edge-thread.ts', import.meta.url), { workerData: rows.memory })
  try {
    for (let reads = 0; reads < 20_000; await new Promise((resolve) => setImmediate(resolve)))
      for (let read = 0; read < 10_000; read++) {
        const count = rows.read(read % 3, row)
        if (count === 0) continue
        reads++
        const { minedTo } = row[0] as MinedEdge
        if (row.slice(0, count).some((edge) => !isOf(edge, minedTo))) throw new Error(`torn: ${JSON.stringify(row)}`)
      }
  } finally {
    await writer.terminate()
  }
})

/** Whether all numbers of the edge are those of one write. */
function isOf({ mark, hits, trials, lastSlice, lagMs, lift, z }: MinedEdge, write: number): boolean {
  return (
    [mark, hits, trials, lastSlice].every((each) => each === write) &&
    [lagMs, lift, z].every((each) => each === write % 2 ** 24)
  )
}
