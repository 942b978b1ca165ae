import { describe, expect, it } from '@jest/globals'
import { problemsOf } from './stage.ts'

const FIELDS = { chain: { const: 'c' }, pair: 'p', price: 'l', eventTimeMs: 't' }

describe('the formats of the settings file', () => {
  it('are checked whole: every fault is told, each with its place', () => {
    const faults = problemsOf({
      'prices.x': {
        ...FIELDS,
        type: 'xml',
        prise: 'l',
        pair: { topic: 'venue', case: 'Upper', aliases: { a: 1 } },
        price: { mid: ['b'] },
        bid: { path: 'b', scale: 1.5, decimal: { base64: true, hex: true } },
        ask: { path: 'a', const: 1 },
        eventTimeMs: { path: 't', unit: 'min' },
        signed: 'yes',
        skip: [{ path: 'x' }, { path: 'x', matches: '(' }, { text: 1 }],
      },
      '/(/': FIELDS,
      '/^(?<venue>.)$/': { ...FIELDS, chain: { topic: 'vnue' } },
      'prices.y': {},
    })
    expect(faults.map(({ setting }) => setting).sort()).toEqual(
      [
        'formats["/(/"]',
        'formats["/^(?<venue>.)$/"].chain.topic',
        'formats["prices.x"].ask',
        'formats["prices.x"].bid.decimal',
        'formats["prices.x"].bid.scale',
        'formats["prices.x"].eventTimeMs.unit',
        'formats["prices.x"].pair.aliases',
        'formats["prices.x"].pair.case',
        'formats["prices.x"].pair.topic',
        'formats["prices.x"].price.mid',
        'formats["prices.x"].prise',
        'formats["prices.x"].signed',
        'formats["prices.x"].skip.0',
        'formats["prices.x"].skip.1.matches',
        'formats["prices.x"].skip.2.text',
        'formats["prices.x"].type',
        ...['chain', 'eventTimeMs', 'pair', 'price'].map((field) => `formats["prices.y"].${field}`),
      ].sort(),
    )
  })

  it.each([['a..b'], [''], ['/a~2'], [7], [null]])('have paths as they are written elsewhere, so not %j', (path) => {
    expect(problemsOf({ x: { ...FIELDS, price: { path } } }).length).toBe(1)
  })

  it('have constant names that updates may have', () => {
    const constants = { chain: { const: '' }, pair: { const: 'x'.repeat(257) }, group: { const: '' } }
    expect(problemsOf({ x: { ...FIELDS, ...constants } }).map(({ setting }) => setting)).toEqual([
      'formats["x"].pair.const',
      'formats["x"].chain.const',
    ])
  })

  it('name what was meant', () => {
    const [fault] = problemsOf({ x: { ...FIELDS, eventTimeMS: 't' } })
    expect(fault).toMatchObject({ setting: 'formats["x"].eventTimeMS', allowed: 'did you mean eventTimeMs?' })
  })
})
