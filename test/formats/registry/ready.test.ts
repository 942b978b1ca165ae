import { describe, expect, it } from '@jest/globals'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { Lookup, SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import { FIELDS, framed, GOOD, QUOTE, recordOf, schemasOf } from '../avro/stage.ts'

const RECORDS = [recordOf(framed(QUOTE, GOOD))]

/** Formats whose schema is held until the test says so. */
function held(settled?: Promise<void>) {
  const known = schemasOf({ 1: QUOTE })
  const at = { isHere: false, asked: 0 }
  const schemas: SchemaSource = {
    ...known,
    lookup: (key): Lookup => {
      at.asked++
      return at.isHere ? known.lookup(key) : { status: 'held', reason: 'the registry is out', settled }
    },
  }
  const rules = formatRules({ 'prices.x': { type: 'avro', schema: 'registry', ...FIELDS } }, [])
  return { at, formats: new Formats(rules, schemas) }
}

describe('whoever decodes records of a registry', () => {
  it('waits until their schemas are here', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { at, formats } = held(promise)
    const ready = formats.ready(RECORDS, new AbortController().signal)
    at.isHere = true
    resolve()
    expect(await ready).toBe(true)
    expect(formats.of('prices.x')?.decode(RECORDS[0] ?? recordOf(undefined))).toMatchObject({ ok: true })
  })

  it('is told when the registry is away for too long', async () => {
    const { formats } = held()
    const ready = formats.ready(RECORDS, new AbortController().signal, 0)
    await expect(ready).rejects.toMatchObject({
      code: 'registry-unreachable',
      message: 'the schema registry: the registry is out',
      retriable: true,
    })
  })

  it('waits no longer than its signal says', async () => {
    const { formats } = held()
    const ending = new AbortController()
    const ready = formats.ready(RECORDS, ending.signal)
    ending.abort()
    expect(await ready).toBe(false)
  })

  it('does not wait for records of topics without schemas', async () => {
    const { at, formats } = held()
    expect(await formats.ready([recordOf(Buffer.from('{}'), { topic: 'y' })], new AbortController().signal)).toBe(true)
    expect(at.asked).toBe(0)
  })
})
