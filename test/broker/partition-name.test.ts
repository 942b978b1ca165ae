import { expect, test } from '@jest/globals'
import { partitionName } from '../../src/broker/partition-name.ts'

test('the name of a partition is its topic and its number', () => {
  expect(partitionName({ topic: 'prices', partition: 12 })).toBe('prices/12')
})
