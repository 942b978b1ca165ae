import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey } from '../../schemas/topics.ts'
import { L1Names } from '../../src/cache/names/l1-names.ts'
import { T0 } from '../cache/caches.ts'
import { ConsumerStage, json, update } from './price-updates-stage.ts'

const FRAMES: readonly (readonly [string, (updates: readonly PriceUpdate[]) => { readonly value: string | Buffer }])[] =
  [
    ['JSON', (updates) => ({ value: JSON.stringify(updates) })],
    ['Avro', (updates) => ({ value: encodePriceAvro(updates) })],
    ['JSON of other fields', (updates) => ({ value: JSON.stringify(updates.map((each) => ({ ...each, note: 'x' }))) })],
  ]

const PAIRS = Array.from({ length: 10 }, (_, at) => `p${at}`)
const leftOut = (stage: ConsumerStage) => stage.caches.count('drops_total', { reason: 'too-many-pairs' })

describe.each(FRAMES)('a frame in %s, when all MAX_PAIRS are taken,', (_, frame) => {
  test('has its known pairs handled, and the new one counted, wherever that stands', async () => {
    const stage = new ConsumerStage({ maxPairs: PAIRS.length })
    await stage.handle(json(PAIRS.map((pair) => update(pair))))
    for (const at of [0, 4, PAIRS.length]) {
      const frozen = PAIRS.map((pair) => update(pair, { price: at + 2 }))
      await stage.handle(frame(frozen.toSpliced(at, 0, update('new', { group: 'stray' }))))
      expect(PAIRS.map((pair) => stage.price(pair))).toEqual(PAIRS.map(() => at + 2))
    }
    expect([stage.letters, leftOut(stage), stage.seen.length]).toEqual([[], 3, 40])
    expect(stage.seen.filter(({ group }) => group !== undefined)).toEqual([])
  })

  test('is a dead letter if all its pairs are new, and leaves its neighbours as they are', async () => {
    const stage = new ConsumerStage({ maxPairs: 1 })
    const many = ['x', 'y'].map((pair) => update(pair))
    await stage.handle(json(update('before')), frame(many), json(update('before', { price: 2 })))
    expect([stage.reasons, leftOut(stage), stage.seen.length]).toEqual([[[1, 'too-many-pairs']], 0, 2])
  })

  test('counts nothing of a frame that is refused for another reason', async () => {
    const stage = new ConsumerStage({ maxPairs: 1 })
    await stage.handle(json(update('a')), frame([update('a'), update('b'), update('a', { price: -1 })]))
    expect([stage.reasons, leftOut(stage), stage.seen.length]).toEqual([[[1, 'negative']], 0, 1])
  })

  test('counts nothing of a frame that becomes a dead letter for its time', async () => {
    const stage = new ConsumerStage({ maxPairs: 1 })
    const ahead = update('a', { eventTimeMs: T0 + 3_600_000 })
    await stage.handle(json(update('a')), frame([ahead, update('new')]))
    expect([stage.reasons, leftOut(stage)]).toEqual([[[1, 'event-time-future']], 0])
  })

  test('counts what is left out once, also if the frame comes again', async () => {
    const stage = new ConsumerStage({ maxPairs: 1 })
    const records = [json(update('a')), frame([update('a'), update('new')])]
    await stage.handle(...records)
    await stage.handleAt(0n, ...records)
    expect([stage.letters, leftOut(stage)]).toEqual([[], 1])
  })
})

test('a record of one chain more than a node can know is refused by a name of its own', async () => {
  const stage = new ConsumerStage()
  for (let chain = 0; chain < 65_536; chain++) stage.caches.table.chainId(`c${chain}`)
  const record = update('a', { chain: 'more' })
  await stage.handle(json(record), { value: encodePriceAvro(record) }, { value: null, key: pairKey('more', 'a') })
  expect(stage.reasons).toEqual([0, 1, 2].map((at) => [at, 'too-many-chains']))
})

test('the id of a deleted pair goes to a new one, but not while an update of the pair waits for its turn', async () => {
  const stage = new ConsumerStage({ maxPairs: 2 })
  const { table, l1, l2 } = stage.caches
  for (const holder of [l2, new L1Names({ table, l1, isOver: () => false })]) table.keep(holder)
  const tombstone = { value: null, key: pairKey('ethereum', 'a') }
  await stage.handle(json(update('a')), json(update('b')), tombstone)
  const later = (pair: string, price: number) => json(update(pair, { price, eventTimeMs: T0 + 1 }))
  // They are decoded together: the pair of the first has no value yet when the second needs an id.
  await stage.handle(later('a', 5), later('new', 9))
  expect([stage.price('a'), stage.price('new'), stage.reasons]).toEqual([5, undefined, [[1, 'too-many-pairs']]])
  await stage.handle(tombstone)
  await stage.handle(later('new', 9), later('b', 2))
  expect([stage.price('a'), stage.price('new'), stage.price('b')]).toEqual([undefined, 9, 2])
})
