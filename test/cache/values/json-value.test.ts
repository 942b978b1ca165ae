import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { jsonOf } from '../../../src/cache/values/json-value.ts'

const ENOUGH = 1_000_000

function faultOf(value: unknown, mostBytes = ENOUGH): string | undefined {
  const written = jsonOf(value, mostBytes)
  return written.ok ? undefined : written.detail
}

describe('a value that is written as JSON', () => {
  test('is read as it was, whatever JSON holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const written = jsonOf(value, ENOUGH)
        expect(written.ok && written.json.value).toEqual(JSON.parse(JSON.stringify(value)))
        expect(written.ok && written.json.bytes).toBe(Buffer.byteLength(JSON.stringify(value)))
      }),
    )
  })

  test('is taken with just so many bytes as its JSON has, and refused with one less', () => {
    const anything = fc.oneof(fc.jsonValue(), fc.array(fc.array(fc.integer())), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(anything, (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(value))
        expect([jsonOf(value, bytes).ok, jsonOf(value, bytes - 1)]).toMatchObject([
          true,
          { ok: false, reason: 'too-large' },
        ])
      }),
    )
  })

  test('is refused early when its parts occur more often than there is room for', () => {
    let doubled: unknown = [1]
    for (let level = 0; level < 100; level++) doubled = [doubled, doubled]
    expect(jsonOf(doubled, ENOUGH)).toMatchObject({ ok: false, reason: 'too-large' })
  })

  test('is refused where it contains itself, and taken where two of its parts are the same', () => {
    const self: unknown[] = [1]
    self.push({ again: [self] })
    expect(faultOf(self)).toBe('value[1].again[0] is an object that contains itself, which JSON does not hold as it is')
    const part = { a: 1 }
    expect(faultOf([part, part, { part }])).toBeUndefined()
  })

  test('may be 512 levels deep', () => {
    const nested = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    expect([faultOf(nested(512)), faultOf(nested(513))]).toEqual([
      undefined,
      expect.stringMatching(/\[0\] is more than 512 levels deep/),
    ])
  })

  test.each([
    ['a class of the user’s', new (class Book {})(), 'an object of the class Book'],
    ['a subclass of lists', new (class Levels extends Array {})(), 'an object of the class Levels'],
    ['bytes', new Uint8Array(1), 'an object of the class Uint8Array'],
    ['an object that writes itself as JSON', { toJSON: () => 1 }, 'an object with a toJSON'],
    ['an infinity', [Number.NEGATIVE_INFINITY], '-Infinity'],
    ['a hole in a list', Array(1), 'undefined'],
    ['a symbol', { s: Symbol('s') }, 'a symbol'],
  ])('is refused for %s', (_, value, found) => {
    expect(faultOf(value)).toContain(`is ${found}, which JSON does not hold as it is`)
  })

  test('keeps properties with names of the language, and leaves those of the prototype alone', () => {
    const written = jsonOf(JSON.parse('{"__proto__":{"polluted":1},"constructor":2}'), ENOUGH)
    const value = written.ok ? written.json.value : undefined
    expect(Object.entries(value as object)).toEqual([
      ['__proto__', { polluted: 1 }],
      ['constructor', 2],
    ])
    expect('polluted' in {}).toBe(false)
  })
})
