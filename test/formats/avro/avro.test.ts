import { describe, expect, it } from '@jest/globals'
import { AT_MS } from '../stage.ts'
import { avroFormat, framed, recordOf, schemasOf } from './stage.ts'

const FIELDS = { chain: { const: 'c' }, pair: 'pair', price: 'price', eventTimeMs: 'at' }
const QUOTE = {
  type: 'record',
  name: 'Quote',
  fields: [
    { name: 'pair', type: 'string' },
    { name: 'price', type: 'double' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}

describe('Avro of a registry', () => {
  it('is read by the schema whose id is in front of the value', () => {
    const format = avroFormat(FIELDS, schemasOf({ 1: QUOTE }))
    const value = framed(QUOTE, { pair: 'ETH-USD', price: 3120.5, at: AT_MS })
    expect(format.decode(recordOf(value))).toMatchObject({
      ok: true,
      updates: [{ pair: 'ETH-USD', chain: 'c', price: 3120.5, eventTimeMs: AT_MS }],
    })
  })
})
