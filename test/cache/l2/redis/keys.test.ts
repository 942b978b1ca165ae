import { expect, test } from '@jest/globals'
import { PairKeys } from '../../../../src/cache/l2/redis/keys.ts'
import { PairTable, UNKNOWN_PAIR } from '../../../../src/cache/names/pair-table.ts'

const table = new PairTable({ maxPairs: 100 })
const keys = new PairKeys(table, 'one')
table.register('ethereum', 'WETH/USDC')

test.each([
  ['ethereum', 'WETH/USDC'],
  ['a}:b%7D', '}:c'],
  ['{x}', '{y}'],
  ['⛓', '価 格'],
  ['', 'p'],
])('the key of chain %j and pair %j leads back to the pair', (chain, pair) => {
  const pairId = table.register(chain, pair)
  expect(keys.pairOf(keys.keyOf(pairId))).toBe(pairId)
})

test.each([
  ['a pair that this node does not know', 'fw:one:{ethereum}:other'],
  ['another service', 'fw:two:{ethereum}:WETH/USDC'],
  ['an earlier release', 'fw:{ethereum}:WETH/USDC'],
  ['the stamps', keys.stampsOf(undefined)[0]],
  ['the stamps of a chain', keys.stampsOf(0)[0]],
  ['somebody else', 'session:42'],
  ['nobody', ''],
])('the key of %s leads to no pair', (_, key) => {
  expect(keys.pairOf(key)).toBe(UNKNOWN_PAIR)
})
