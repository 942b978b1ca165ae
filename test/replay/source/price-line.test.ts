import { describe, expect, test } from '@jest/globals'
import { parsePriceLine } from '../../../src/replay/source/price-line.ts'

const PRICE = { chain: 'e', pair: 'A', price: 1, eventTimeMs: 1_783_715_268_000 }

const parsed = (line: unknown) => parsePriceLine({ text: JSON.stringify(line), isUtf8: true })

describe('a line of a price file', () => {
  test('that delists a pair names it', () => {
    expect(parsed({ chain: 'e', pair: 'A', delisted: true })).toMatchObject({
      kind: 'delisted',
      key: 'e\0A',
      chain: 'e',
      pair: 'A',
    })
  })

  test.each([
    ['a NUL in its chain', { chain: 'a\0b', pair: 'c' }, 'bad-name'],
    ['a NUL in its pair', { chain: 'a', pair: 'b\0c' }, 'bad-name'],
    ['half a surrogate pair', { chain: 'a', pair: '\ud800' }, 'bad-name'],
    ['an empty pair', { chain: 'a', pair: '' }, 'missing-pair'],
    ['an empty chain', { chain: '', pair: 'b' }, 'missing-chain'],
    ['a pair that is too long', { chain: 'a', pair: 'x'.repeat(5_000) }, 'name-too-long'],
    ['a number for a pair', { chain: 'a', pair: 7 }, 'wrong-type'],
  ])('that delists a pair is refused for %s, as a price would be', (_, names, reason) => {
    expect(parsed({ ...names, delisted: true })).toMatchObject({ ok: false, reason })
    expect(parsed({ ...PRICE, ...names })).toMatchObject({ ok: false, reason })
  })

  test.each([
    ['a price', { ...PRICE, delisted: true }],
    ['a list', [PRICE, { chain: 'e', pair: 'B', delisted: true }]],
    ['a frame', { updates: [{ ...PRICE, delisted: true }] }],
    ['a frame as a whole', { updates: [PRICE], delisted: true }],
  ])('that delists a pair and has %s is refused', (_, line) => {
    expect(parsed(line)).toMatchObject({
      ok: false,
      reason: 'wrong-type',
      detail: expect.stringContaining('"delisted":true stands alone on its line'),
    })
  })

  test('with a price that is not delisted is a price', () => {
    expect(parsed({ ...PRICE, delisted: false })).toMatchObject({ kind: 'prices' })
  })
})
