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

describe('by position', () => {
  test.each<[string, RecordFilter, string | undefined]>([
    ['since is inclusive', { sinceMs: T0 }, undefined],
    ['earlier than since', { sinceMs: T0 + 1 }, 'time'],
    ['until is exclusive', { untilMs: T0 }, 'time'],
    ['earlier than until', { untilMs: T0 + 1 }, undefined],
    ['from offset is inclusive', { fromOffset: 7n }, undefined],
    ['before from offset', { fromOffset: 8n }, 'offset'],
    ['to offset is exclusive', { toOffset: 7n }, 'offset'],
    ['a partition asked for', { partitions: new Set([3]) }, undefined],
    ['another partition', { partitions: new Set([1, 2]) }, 'partition'],
    ['none of a sample', { sample: 0 }, 'sample'],
    ['all of a sample', { sample: 1 }, undefined],
  ])('%s', (_, filter, reason) => {
    expect(positionReason(recordOf(update, { offset: 7, partition: 3 }), filter)).toBe(reason)
  })

  test('a sample is about the share that was asked for, and the same in every run', () => {
    const records = Array.from({ length: 4000 }, (_, offset) => recordOf(update, { offset }))
    const chosen = () => records.filter((record) => positionReason(record, { sample: 0.25 }) === undefined)
    expect(chosen().length).toBeGreaterThan(850)
    expect(chosen().length).toBeLessThan(1150)
    expect(chosen()).toEqual(chosen())
  })
})

describe('by content', () => {
  const frame = [update, priceAt(1, { pair: 'WBTC/USDC' }), priceAt(2, { pair: 'DAI/USDC' })]
  const wanted = { pairs: new Set(['WBTC/USDC', 'DAI/USDC']) }

  test('leaves out other chains and other pairs, with the reason', () => {
    expect(select(recordOf(update), { chains: new Set(['polygon']) })).toEqual({ pass: false, reason: 'chain' })
    expect(select(recordOf(update), { pairs: new Set(['A']) })).toEqual({ pass: false, reason: 'pair' })
    expect(select(recordOf(update), { chains: new Set(['ethereum']), pairs: new Set(['WETH/USDC']) }).pass).toBe(true)
  })

  test.each([
    ['JSON', Buffer.from(JSON.stringify(frame))],
    ['Avro', encodePriceAvro(frame)],
  ])('leaves of a frame in %s the pairs that were asked for', (_, value) => {
    const selection = select(recordOf(update, { value }), wanted)
    if (!selection.pass) throw new Error('left out')
    expect(contentOf(selection.record)).toEqual({ kind: 'prices', updates: frame.slice(1) })
    expect(selection.content).toEqual({ kind: 'prices', updates: frame.slice(1) })
    expect(selection.record.value?.[0]).toBe(value[0])
  })

  test('leaves the bytes of a record alone that passes as a whole', () => {
    const record = recordOf(update)
    expect(select(record, { pairs: new Set(['WETH/USDC']) })).toMatchObject({ pass: true, record })
  })

  test('knows a delisted pair by its key', () => {
    const record = { ...recordOf(update), value: undefined }
    expect(contentOf(record)).toEqual({ kind: 'delisted', chain: 'ethereum', pair: 'WETH/USDC' })
    expect(select(record, wanted)).toEqual({ pass: false, reason: 'pair' })
    expect(select(record, { chains: new Set(['polygon']) })).toEqual({ pass: false, reason: 'chain' })
  })

  test('leaves of a warm request the pairs that were asked for, with their scores', () => {
    const record = warmRecord({ pairs: ['A', 'WBTC/USDC'], scores: [0.1, 0.9] })
    const selection = select(record, wanted)
    expect(selection).toMatchObject({ pass: true, content: { request: { pairs: ['WBTC/USDC'], scores: [0.9] } } })
    expect(select(record, { pairs: new Set(['B']) })).toEqual({ pass: false, reason: 'pair' })
  })

  test('leaves out what it cannot read, but only when it has to look', () => {
    const record = recordOf(update, { value: Buffer.from('not json') })
    expect(select(record, {})).toMatchObject({ pass: true, content: { kind: 'other', reason: 'not-json' } })
    expect(select(record, wanted)).toEqual({ pass: false, reason: 'pair' })
  })
})
