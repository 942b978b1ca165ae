import { describe, expect, it } from '@jest/globals'
import { Formats, formatRules } from '../../src/formats/formats.ts'
import { format } from '../../src/formats/function-format.ts'
import { AT_MS, decoder, problemsOf } from './stage.ts'

const FIELDS = { chain: { const: 'c' }, pair: 'p', price: 'l', eventTimeMs: 't' }
const OWN = { pair: 'X', chain: 'own', price: 5, eventTimeMs: AT_MS }
const recordOf = (value: object) => ({
  ...{ topic: 'x', partition: 0, offset: 0n, timestampMs: AT_MS, key: undefined, headers: [] },
  value: Buffer.from(JSON.stringify(value)),
})

describe('our own format by its name', () => {
  it('keeps topics from a pattern that follows, and has no mapping', () => {
    const formats = new Formats(formatRules({ 'prices.own': { type: 'forewarm' }, '/^prices\\./': FIELDS }, []))
    expect([formats.of('prices.own'), formats.of('prices.x')?.name]).toEqual([undefined, '/^prices\\./'])
    expect(new Formats([format('x', { type: 'forewarm' })]).of('x')).toBeUndefined()
  })

  it('has nothing else beside it', () => {
    expect(problemsOf({ x: { type: 'forewarm', pair: 'p' }, '/(/': { type: 'forewarm' } })).toMatchObject([
      { setting: 'formats["x"].pair' },
      { setting: 'formats["/(/"]' },
    ])
    expect(problemsOf({ x: { ...FIELDS, type: 'forwarm' } })).toMatchObject([
      { setting: 'formats["x"].type', allowed: 'json, avro, protobuf, forewarm' },
    ])
  })
})

describe('a topic with a mapping that carries records of our own format, too', () => {
  it('is read by the mapping alone: ours are refused by what they lack for it, and the next is read', () => {
    const decode = decoder(FIELDS)
    expect(decode(OWN)).toMatchObject({ ok: false, reason: 'missing-pair' })
    expect(decode({ p: 'X', l: 5, t: AT_MS })).toMatchObject({ ok: true })
  })

  it('is read as a whole by a function that tells them apart', () => {
    const both = format('x', ({ value }) => {
      const came = JSON.parse(`${value}`)
      return 'pair' in came ? came : { pair: came.p, chain: 'c', price: Number(came.l), eventTimeMs: came.t }
    })
    const read = new Formats([both]).of('x')
    expect(read?.decode(recordOf(OWN))).toMatchObject({ ok: true, updates: [OWN] })
    expect(read?.decode(recordOf({ p: 'X', l: '5', t: AT_MS }))).toMatchObject({ ok: true, updates: [{ chain: 'c' }] })
  })
})
