import { describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createStateHash } from '../../src/replay/state-hash.ts'

const T = 1_783_715_268_000
const weth: PriceUpdate = { chain: 'ethereum', pair: 'WETH/USDC', price: 3001.5, bid: 3001, ask: 3002, eventTimeMs: T }
const rain: PriceUpdate = { chain: 'polygon', pair: 'zürich-rain', price: 0.4, eventTimeMs: T + 5 }

function digestOf(updates: readonly PriceUpdate[]): string {
  const hash = createStateHash()
  for (const update of updates) hash.updatePrice(update)
  return hash.digest()
}

describe('a state hash', () => {
  test('is SHA-256 over the bytes that its comment defines', () => {
    // Computed by a separate program (Python's struct and hashlib) from the definition.
    expect(digestOf([weth, rain, { ...weth, liquidity: -0 }])).toBe(
      '26e172e91eb455531cdb0130d4c35584406a030b46caffdfa6826b9657490b59',
    )
    expect(digestOf([])).toBe('f84b64bc7fca65b9582bc2cce3b7af537e4d7667775c7a8ec59a16b34cdae492')
  })

  test('does not depend on the order of pairs', () => {
    expect(digestOf([rain, weth])).toBe(digestOf([weth, rain]))
  })

  test('depends on the order of updates of one pair in the same millisecond', () => {
    const later = { ...weth, price: 3000 }
    expect(digestOf([weth, later])).not.toBe(digestOf([later, weth]))
  })

  test('does not depend on the order of updates of one millisecond that have sequences, as L1 and L2 do not', () => {
    const later = { ...weth, price: 3000 }
    const [first, second] = [
      { ...weth, sequence: 7 },
      { ...later, sequence: 8 },
    ]
    expect(digestOf([first, second])).toBe(digestOf([second, first]))
    const hash = createStateHash()
    expect([hash.updatePrice(second), hash.updatePrice(first)]).toEqual(['taken', 'older'])
  })

  test.each(['price', 'bid', 'ask', 'reserve0', 'reserve1', 'liquidity'] as const)(
    'changes with the field %s',
    (field) => {
      expect(digestOf([{ ...weth, [field]: 1 }])).not.toBe(digestOf([{ ...weth, [field]: 2 }]))
    },
  )

  test.each(['pair', 'chain'] as const)('changes with the field %s', (field) => {
    expect(digestOf([{ ...weth, [field]: 'a' }])).not.toBe(digestOf([{ ...weth, [field]: 'b' }]))
  })

  test('tells chain and pair apart', () => {
    expect(digestOf([{ ...weth, chain: 'ab', pair: 'c' }])).not.toBe(digestOf([{ ...weth, chain: 'a', pair: 'bc' }]))
  })

  test('ignores an update that is older than its pair’s value', () => {
    const hash = createStateHash()
    expect(hash.updatePrice(weth)).toBe('taken')
    expect(hash.updatePrice({ ...weth, price: 1, eventTimeMs: T - 1 })).toBe('older')
    expect(hash.digest()).toBe(digestOf([weth]))
  })

  test('leaves out an update whose time is too late for an exact version', () => {
    const hash = createStateHash()
    expect(hash.updatePrice({ ...weth, eventTimeMs: 2 ** 53 })).toBe('unversioned')
    expect(hash.pairs).toBe(0)
  })

  test('forgets a delisted pair', () => {
    const hash = createStateHash()
    hash.updatePrice(weth)
    hash.updatePrice(rain)
    hash.delist('ethereum', 'WETH/USDC')
    expect(hash.digest()).toBe(digestOf([rain]))
  })

  test('gives a pair that is listed again a version above those that it had, as L1 does', () => {
    const hash = createStateHash()
    hash.updatePrice(weth)
    hash.delist('ethereum', 'WETH/USDC')
    expect([hash.pairs, hash.updatePrice({ ...weth, eventTimeMs: T - 1 })]).toEqual([0, 'older'])
    expect([hash.updatePrice(weth), hash.pairs]).toEqual(['taken', 1])
    const again = createStateHash()
    const numbers = [3001.5, 3001, 3002, Number.NaN, Number.NaN, Number.NaN]
    again.updateValue({ chain: 'ethereum', pair: 'WETH/USDC', version: T * 4096 + 2, numbers })
    expect(hash.digest()).toBe(again.digest())
  })

  test('takes as many updates of a pair in one millisecond as there are versions, as L1 does', () => {
    const hash = createStateHash()
    for (let i = 0; i < 4096; i++) expect(hash.updatePrice(weth)).toBe('taken')
    const full = hash.digest()
    expect(hash.updatePrice({ ...weth, price: 1 })).toBe('unversioned')
    expect(hash.digest()).toBe(full)
  })

  test('is the same from versions as from updates', () => {
    const hash = createStateHash()
    const numbers = [3001.5, 3001, 3002, Number.NaN, Number.NaN, Number.NaN]
    hash.updateValue({ chain: 'ethereum', pair: 'WETH/USDC', version: T * 4096, numbers })
    hash.updateValue({ chain: 'ethereum', pair: 'WETH/USDC', version: T * 4096 - 1, numbers: [1] })
    expect(hash.digest()).toBe(digestOf([weth]))
  })

  test('throws at more pairs than it may hold', () => {
    const hash = createStateHash({ maxPairs: 1 })
    hash.updatePrice(weth)
    expect(() => hash.updatePrice(rain)).toThrow(expect.objectContaining({ code: 'too-many-pairs' }))
  })
})
