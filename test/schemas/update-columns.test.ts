import { expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { reserveRow, truncateColumns, type UpdateColumns, updateColumns } from '../../schemas/update-columns.ts'

function append(columns: UpdateColumns, row: number, group?: string): void {
  reserveRow(columns)
  columns.pairIds[row] = row
  columns.eventTimesMs[row] = row + 0.5
  columns.sequences[row] = row * 2
  for (let field = 0; field < NUMBER_COUNT; field++) columns.numbers[row * NUMBER_COUNT + field] = row * 10 + field
  if (group !== undefined) columns.groups[row] = group
  columns.count = row + 1
}

test('columns that grow keep the updates that they hold', () => {
  const columns = updateColumns(1)
  for (let row = 0; row < 100; row++) append(columns, row)
  expect(Array.from(columns.pairIds.subarray(0, 100))).toEqual(Array.from({ length: 100 }, (_, row) => row))
  expect(columns.eventTimesMs[99]).toBe(99.5)
  expect(columns.sequences[50]).toBe(100)
  expect(columns.numbers[7 * NUMBER_COUNT + 5]).toBe(75)
  expect(columns.numbers.length).toBe(columns.pairIds.length * NUMBER_COUNT)
})

test('rows that are taken back leave no group to the rows that replace them', () => {
  const columns = updateColumns(4)
  append(columns, 0, 'kept')
  append(columns, 1, 'taken back')
  append(columns, 2, 'taken back')
  truncateColumns(columns, 1)
  append(columns, 1)
  expect(columns.count).toBe(2)
  expect([...columns.groups]).toEqual(['kept'])
})
