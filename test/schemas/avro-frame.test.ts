import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import avro from 'avsc'
import { PRICE_SCHEMA_ID } from '../../schemas/avro-frame.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { decodePriceRecord, decodePrices } from '../../schemas/price-record.ts'
import { outcomeOf, updateOf } from './price-rows.ts'

const OURS = JSON.parse(readFileSync(new URL('../../schemas/price-record.avsc', import.meta.url), 'utf8'))

/** Reads it both ways, which must agree. */
function reasonOf(bytes: Buffer): string | undefined {
  const { reason, rows } = outcomeOf((columns, ids) => decodePrices(bytes, columns, ids))
  const read = decodePriceRecord(bytes)
  expect(read.ok ? undefined : read.reason).toBe(reason)
  if (reason !== undefined) expect(rows).toEqual([])
  return reason
}

function framed(id: number, value: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, value])
}

/** Two fields of our update change places, as in a schema of a user's own. */
function swapped(one: string, other: string): avro.Type {
  const schema = structuredClone(OURS)
  const { fields } = schema[0]
  const [a, b] = [one, other].map((name) => fields.findIndex((field: { name: string }) => field.name === name))
  ;[fields[a], fields[b]] = [fields[b], fields[a]]
  return avro.Type.forSchema(schema, { wrapUnions: true })
}

const FIELDS = {
  ...{
    v: 1,
    pair: 'p',
    chain: 'c',
    price: 3,
    bid: { double: 1 },
    ask: { double: 2 },
    eventTimeMs: updateOf().eventTimeMs,
  },
  ...{ reserve0: null, reserve1: null, liquidity: null, group: null, sequence: null },
}

describe('an Avro record of another schema', () => {
  test.each([
    ['bid', 'ask'],
    ['pair', 'chain'],
    ['reserve0', 'reserve1'],
  ])('with %s and %s in the other order is never read by position, whatever its id', (one, other) => {
    const value = swapped(one, other).toBuffer({ 'forewarm.PriceUpdate': FIELDS })
    for (const id of [0, 1, 2, 7, 100_001, 0x7fffffff])
      expect([id, reasonOf(framed(id, value))]).toEqual([id, 'unknown-schema'])
  })

  test('is refused with what to do', () => {
    expect(decodePriceRecord(encodePriceAvro(updateOf(), 7))).toEqual({
      ok: false,
      reason: 'unknown-schema',
      detail: `schema id 7: Avro is read by price-record.avsc alone, under the id ${PRICE_SCHEMA_ID}: produce with that schema and id, or produce JSON`,
    })
  })
})

test('our schema’s id is none that a registry gives out, and stays the same while the schema does', () => {
  expect(PRICE_SCHEMA_ID).toBe(-440_887_389)
  expect(reasonOf(encodePriceAvro(updateOf()))).toBeUndefined()
})

test.each([updateOf(), [updateOf()]])(
  'a JSON record of Confluent’s JSON Schema serializer is named for what it is',
  (of) => {
    const bytes = framed(3, Buffer.from(`${JSON.stringify(of)}\n`))
    expect(reasonOf(bytes)).toBe('unknown-schema')
    expect(decodePriceRecord(bytes)).toMatchObject({
      detail: expect.stringMatching(
        /^JSON behind schema id 3, .*JSON Schema serializer.*produce it without these 5 bytes$/,
      ),
    })
  },
)
