import { describe, expect, it } from '@jest/globals'
import { Formats } from '../../src/formats/formats.ts'
import { type FormatFunction, format } from '../../src/formats/function-format.ts'
import { AT_MS } from './stage.ts'

const GOOD = { pair: 'A', chain: 'c', price: 1, eventTimeMs: AT_MS }

function decoded(gives: () => unknown, topics: string | RegExp = 'x') {
  const found = new Formats([format(topics, gives as FormatFunction)]).of('x')
  return found?.decode({
    ...{ topic: 'x', partition: 0, offset: 0n, timestampMs: AT_MS, key: undefined, headers: [] },
    value: Buffer.from('any'),
  })
}

function fails(): never {
  throw new Error('nobody may look')
}

describe('a format’s function', () => {
  it.each<readonly [what: string, gives: () => unknown]>([
    ['an update whose price throws', () => Object.defineProperty({ ...GOOD }, 'price', { get: fails })],
    ['a deletion whose pair throws', () => Object.defineProperty({ chain: 'c' }, 'delete', { get: fails })],
    ['an object that throws whatever is asked of it', () => new Proxy({}, { get: fails, has: fails, ownKeys: fails })],
    ['a list that throws', () => new Proxy([GOOD], { get: fails })],
    ['an object whose kind nobody may ask for', () => new Proxy({}, { getPrototypeOf: fails })],
    ['a promise that nobody may await', () => Object.assign(Promise.resolve(), { catch: fails })],
    ['fields of its own that throw', () => ({ ...GOOD, extra: new Proxy({}, { ownKeys: fails }) })],
  ])('that gives %s refuses the record, and throws nothing', (_, gives) => {
    expect(decoded(gives)).toMatchObject({
      ok: false,
      reason: 'format-failed',
      detail: expect.stringContaining('nobody may look'),
    })
    expect(decoded(() => GOOD)).toMatchObject({ ok: true, updates: [GOOD] })
  })
})

describe('the topics of a format', () => {
  it.each<readonly [topics: string | RegExp, allowed: RegExp]>([
    ['', /the name of a topic/],
    ['/[/', /a regular expression between slashes/],
    ['/^x/i', /between slashes and no flags/],
    ['/a\\-b/', /a regular expression between slashes/],
    [/^X/i, /a pattern without flags/],
  ])('are refused at once if no topic would have them: %s', (topics, allowed) => {
    expect(() => format(topics, () => 'skip')).toThrow(allowed)
    expect(() => format(topics, () => 'skip')).toThrow(expect.objectContaining({ code: 'bad-config' }))
  })

  it('may be a pattern', () => {
    expect(decoded(() => GOOD, /^x$/)).toMatchObject({ ok: true })
    expect(decoded(() => GOOD, /^y$/u)).toBeUndefined()
  })
})
