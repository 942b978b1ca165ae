import { expect, test } from '@jest/globals'
import { VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { Floors } from '../../../src/cache/l1/floors.ts'

const newFloors = () => new Floors(new Float64Array(3))

test('the floor of a pair is 0 before its first value, and then the version of its last one', () => {
  const floors = newFloors()
  expect([floors.of(0), floors.known]).toEqual([0, 0])
  floors.raise(0, 7)
  floors.raise(0, 9)
  floors.raise(1, 4)
  expect([floors.of(0), floors.of(1), floors.of(2), floors.known]).toEqual([9, 4, 0, 2])
})

test('delisting a pair twice forgets it once and raises its floor above its last version once', () => {
  const floors = newFloors()
  floors.raise(0, 9)
  floors.delist(0)
  floors.delist(0)
  floors.delist(1)
  expect([floors.of(0), floors.of(1), floors.known]).toEqual([10, 0, 0])
  floors.raise(0, 11)
  expect([floors.of(0), floors.known]).toEqual([11, 1])
})

test('the next version of a pair is above its floor, or tells that the event time is too old or its millisecond full', () => {
  const floors = newFloors()
  floors.raise(0, 5 * VERSIONS_PER_MS)
  expect(floors.nextVersion(0, 5)).toBe(5 * VERSIONS_PER_MS + 1)
  expect(floors.nextVersion(0, 6)).toBe(6 * VERSIONS_PER_MS)
  expect(floors.nextVersion(0, 4)).toBe(-1)
  floors.raise(0, 6 * VERSIONS_PER_MS - 1)
  expect(floors.nextVersion(0, 5)).toBe(-2)
})
