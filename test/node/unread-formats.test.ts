import { describe, expect, jest, test } from '@jest/globals'
import { tellUnread } from '../../node/consumer/formats.ts'
import { Formats, formatRules } from '../../src/formats/formats.ts'

function toldOf(formats: object, topics: readonly string[]): unknown {
  const warn = jest.fn()
  tellUnread(new Formats(formatRules(formats, [])), topics, { warn } as never)
  return warn.mock.calls[0]?.[0]
}

describe('a node warns of formats for topics that it does not read', () => {
  test('if it reads a topic in our own format: the name may be misspelt', () => {
    const formats = { 'prices.exchnge': 'okx-tickers', 'prices.b': 'okx-tickers' }
    expect(toldOf(formats, ['prices.exchange', 'prices.b'])).toEqual({
      topics: ['prices.exchange'],
      formats: ['prices.exchnge'],
    })
  })

  test('but not if all its topics have formats, or the others are named by patterns', () => {
    expect(toldOf({ 'prices.a': 'okx-tickers', 'prices.b': 'okx-tickers' }, ['prices.a'])).toBeUndefined()
    expect(toldOf({ '/^ticker-/': 'okx-tickers' }, ['prices.a'])).toBeUndefined()
  })
})
