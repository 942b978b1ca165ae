import { expect, test } from '@jest/globals'
import { EdgeRows, emptyRow } from '../../src/correlation/edge-rows.ts'

const [blank] = emptyRow()
const edges = [{ ...blank, event: 4, hits: 3, trials: 5, lastSlice: 7, lagMs: 30, lift: 2, z: 4.5 }] as const

/** Ends as a writer does whose thread is lost in the middle of a row. */
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

test('a row that its writer was killed in is none, and is one again when the next writer writes it', () => {
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

test('a row is a copy: what is written later leaves it as it is', () => {
  const rows = EdgeRows.of(3)
  const row = emptyRow()
  rows.write(2, { edges, count: 1, minedTo: 8 })
  rows.read(2, row)
  rows.write(2, { edges: [{ ...edges[0], hits: 4 }], count: 1, minedTo: 9 })
  expect(row[0]).toEqual({ ...edges[0], minedTo: 8 })
})
