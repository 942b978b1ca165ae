import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { contentOf } from '../../src/replay/content.ts'
import { positionReason, type RecordFilter, selectContent } from '../../src/replay/filter.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { priceAt, recordOf, T0 } from './record-builders.ts'
import { warmRecord } from './warm-records.ts'

const update = priceAt(0)

function select(record: ReplayRecord, filter: RecordFilter) {
  return selectContent(record, contentOf(record), filter)
}

describe('a filter by position', () => {
  test.each<[string, RecordFilter, string | undefined]>([
    ['passes a record at since', { sinceMs: T0 }, undefined],
    ['leaves out a record before since', { sinceMs: T0 + 1 }, 'time'],
    ['leaves out a record at until', { untilMs: T0 }, 'time'],
    ['passes a record before until', { untilMs: T0 + 1 }, undefined],
    ['passes a record at fromOffset', { fromOffset: 7n }, undefined],
    ['leaves out a record before fromOffset', { fromOffset: 8n }, 'offset'],
    ['leaves out a record at toOffset', { toOffset: 7n }, 'offset'],
    ['passes a wanted partition', { partitions: new Set([3]) }, undefined],
    ['leaves out another partition', { partitions: new Set([1, 2]) }, 'partition'],
    ['leaves out every record of a sample of 0', { sample: 0 }, 'sample'],
    ['passes every record of a sample of 1', { sample: 1 }, undefined],
  ])('%s', (_, filter, reason) => {
    expect(positionReason(recordOf(update, { offset: 7, partition: 3 }), filter)).toBe(reason)
  })

  test('passes about the wanted share as a sample, the same records in every run', () => {
    const records = Array.from({ length: 4000 }, (_, offset) => recordOf(update, { offset }))
    const chosen = () => records.filter((record) => positionReason(record, { sample: 0.25 }) === undefined)
    expect(chosen().length).toBeGreaterThan(850)
    expect(chosen().length).toBeLessThan(1150)
    expect(chosen()).toEqual(chosen())
  })
})

describe('a filter by content', () => {
  const frame = [update, priceAt(1, { pair: 'WBTC/USDC' }), priceAt(2, { pair: 'DAI/USDC' })]
  const wanted = { pairs: new Set(['WBTC/USDC', 'DAI/USDC']) }

  test('leaves out other chains and other pairs, and gives the reason', () => {
    expect(select(recordOf(update), { chains: new Set(['polygon']) })).toEqual({ pass: false, reason: 'chain' })
    expect(select(recordOf(update), { pairs: new Set(['A']) })).toEqual({ pass: false, reason: 'pair' })
    expect(select(recordOf(update), { chains: new Set(['ethereum']), pairs: new Set(['WETH/USDC']) }).pass).toBe(true)
  })

  test.each([
    ['JSON', Buffer.from(JSON.stringify(frame))],
    ['Avro', encodePriceAvro(frame)],
  ])('keeps the wanted pairs of a frame in %s', (_, value) => {
    const selection = select(recordOf(update, { value }), wanted)
    if (!selection.pass) throw new Error('left out')
    expect(contentOf(selection.record)).toEqual({ kind: 'prices', updates: frame.slice(1) })
    expect(selection.content).toEqual({ kind: 'prices', updates: frame.slice(1) })
    expect(selection.record.value?.[0]).toBe(value[0])
  })

  test('does not change the bytes of a record that passes as a whole', () => {
    const record = recordOf(update)
    expect(select(record, { pairs: new Set(['WETH/USDC']) })).toMatchObject({ pass: true, record })
  })

  test('knows a delisted pair by its key', () => {
    const record = { ...recordOf(update), value: undefined }
    expect(contentOf(record)).toEqual({ kind: 'delisted', chain: 'ethereum', pair: 'WETH/USDC' })
    expect(select(record, wanted)).toEqual({ pass: false, reason: 'pair' })
    expect(select(record, { chains: new Set(['polygon']) })).toEqual({ pass: false, reason: 'chain' })
  })

  test('keeps the wanted pairs of a warm request, with their scores', () => {
    const record = warmRecord({ pairs: ['A', 'WBTC/USDC'], scores: [0.1, 0.9] })
    const selection = select(record, wanted)
    expect(selection).toMatchObject({ pass: true, content: { request: { pairs: ['WBTC/USDC'], scores: [0.9] } } })
    expect(select(record, { pairs: new Set(['B']) })).toEqual({ pass: false, reason: 'pair' })
  })

  test('leaves out a record that it cannot read only if it has to look into it', () => {
    const record = recordOf(update, { value: Buffer.from('not json') })
    expect(select(record, {})).toMatchObject({ pass: true, content: { kind: 'other', reason: 'not-json' } })
    expect(select(record, wanted)).toEqual({ pass: false, reason: 'pair' })
  })
})
