import { expect, test } from '@jest/globals'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { batchOf, type HandmadeRecord } from './batch.ts'
import { ConsumerStage, json, update } from './price-updates-stage.ts'

const keyed = (pair: string, eventTimeMs: number): HandmadeRecord => ({
  ...json(update(pair, { eventTimeMs })),
  key: pair,
})
const frame = (eventTimeMs: number, ...pairs: string[]): HandmadeRecord => ({
  ...json(pairs.map((pair) => update(pair, { eventTimeMs }))),
  key: 'frame',
})

test.each([
  ['the records', (atMs: number) => [keyed('moved', atMs), keyed('other', atMs)]],
  ['the updates of a frame', (atMs: number) => [frame(atMs, 'moved', 'other')]],
] as const)('%s after the one that shows that its pair has moved follow the topic as a whole', async (_, records) => {
  const stage = new ConsumerStage()
  const { caches } = stage
  const { arrivals, elsewhere, origins, l1, table } = caches
  arrivals.assign([elsewhere])
  const atMs = caches.clock.now() - 100
  const send = (partition: number, baseOffset: bigint, batch: readonly HandmadeRecord[]) =>
    stage.run(batchOf(batch, { partition, baseOffset }), stage.context)
  await send(0, 0n, [keyed('other', atMs)])
  await send(1, 0n, [keyed('moved', atMs)])
  await send(0, 1n, records(atMs + 1))
  const price = emptyPrice()
  const sourceOf = (pair: string) => l1.peek(table.find('ethereum', pair), price) && price.source
  const whole = origins.wholeOf('prices')
  expect([sourceOf('moved'), sourceOf('other')]).toEqual([whole, whole])
})

test.each([
  ['with keys', 'a', 'partition'],
  ['without keys', undefined, 'whole'],
])(
  'updates %s, after records that have neither updates nor keys, have the source that they show',
  async (_, key, at) => {
    const stage = new ConsumerStage()
    const { origins, l1, table, clock } = stage.caches
    const of = { ...json(update('a', { eventTimeMs: clock.now() - 100 })), ...(key !== undefined && { key }) }
    await stage.run(batchOf([json([]), { value: 'refused' }, json([]), of]), stage.context)
    const price = emptyPrice()
    expect(l1.peek(table.find('ethereum', 'a'), price)).toBe(true)
    expect(price.source === origins.wholeOf('prices') ? 'whole' : 'partition').toBe(at)
  },
)
