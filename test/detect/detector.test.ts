import { expect, test } from '@jest/globals'
import { detector } from '../../src/detect/detector.ts'

const nothing = () => undefined

test('a detector is a value: a name, what it subscribes to, and a function', () => {
  const spread = detector('spread', { topics: ['prices.ethereum'], chains: ['ethereum', 'base'] }, nothing)
  expect(spread).toEqual({
    name: 'spread',
    topics: new Set(['prices.ethereum']),
    chains: new Set(['ethereum', 'base']),
    detect: nothing,
  })
})

test('a detector without topics and chains subscribes to all of them', () => {
  expect(detector('all', {}, nothing)).toMatchObject({ topics: undefined, chains: undefined })
})

test('a detector without a name is refused, because its failures could not be told from others', () => {
  expect(() => detector('', {}, nothing)).toThrow('detector: expected a name, got an empty string')
})
