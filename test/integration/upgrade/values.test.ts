import { describe, expect, test } from '@jest/globals'
import type { NoReading, Reading } from '../../../src/detect/reading.ts'
import { until } from '../../harness/until.ts'
import { updateOf } from '../../node/stage.ts'
import { FRESH_MS } from '../nodes/fleet.ts'
import { BESIDE, type Mixed, mixedWith } from './beside.ts'
import { BUILDS } from './builds.ts'
import type { PairName } from './child-member.ts'
import type { Member } from './member.ts'

/** The pairs of the market whose last update the member has handled, each with that update's price. */
function followedBy({ fleet: { market } }: Mixed, member: Member) {
  const pairs = market.pairs.map((pair, at) => ({ ...pair, last: market.lastOf(at) }))
  return pairs.filter(({ last }) => member.handled.has(last))
}

/** Above every price of the market. */
const LATE_PRICE = 1_000_000_000

function partitioned<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}

const priceOf = (reading: Reading | NoReading) => (typeof reading === 'string' ? reading : reading.price)
const boundOf = (reading: Reading | NoReading) => (typeof reading === 'string' ? undefined : reading.behindMs)

/** Resolves when the reader's node has the newest price of the pair, with such a bound. */
function isRead(reader: Member, pair: PairName & { readonly last: number }, isRight: (ms: number) => boolean) {
  return until(`${reader.id} reads ${pair.pair}`, async () => {
    const reading = await reader.read(pair)
    return priceOf(reading) === pair.last && isRight(boundOf(reading) ?? Number.POSITIVE_INFINITY)
  })
}

const isFresh = (behindMs: number) => behindMs < FRESH_MS
const isUnbounded = (behindMs: number) => behindMs === Number.POSITIVE_INFINITY

/** What becomes of a pair, act by act: who sets or deletes it, as of which second, and the price that both read then. */
const ACTS: readonly (readonly [
  'sets' | 'removes',
  by: 'old' | 'young',
  seconds: number,
  price: number | 'missing',
])[] = [
  ['sets', 'old', 10, 10],
  ['sets', 'young', 9, 10],
  ['sets', 'young', 11, 11],
  ['sets', 'old', 10, 11],
  ['removes', 'old', 12, 'missing'],
  ['sets', 'young', 11, 'missing'],
  ['sets', 'young', 13, 13],
  ['removes', 'young', 14, 'missing'],
  ['sets', 'old', 13, 'missing'],
  ['sets', 'old', 15, 15],
]

describe.each(BUILDS)(BESIDE, (build) => {
  const hasSources = !build.lacks.includes('sources')
  const hasService = !build.lacks.includes('service')
  const mixed = mixedWith(build)

  test('has the newest price of every pair in Redis for both, or the older build refuses it', async () => {
    const { old, young } = mixed()
    for (const { chain, pair, last } of followedBy(mixed(), young)) {
      expect(priceOf(await young.call('load', chain, pair))).toBe(last)
      const loaded = priceOf(await old.call('load', chain, pair))
      // Under its own keys it still has what it wrote before the other node came.
      if (hasService) expect(loaded).toBe(hasSources ? last : 'missing')
      else expect(loaded).toBeLessThan(last)
    }
    for (const { chain, pair, last } of followedBy(mixed(), old))
      for (const reader of [old, young]) expect(priceOf(await reader.call('load', chain, pair))).toBe(last)
  })

  test('reads the prices of the other fresh on both nodes, and without a bound where the older build gives none', async () => {
    const { old, young } = mixed()
    for (const pair of followedBy(mixed(), young)) {
      await isRead(young, pair, isFresh)
      if (hasSources) await isRead(old, pair, isFresh)
    }
    for (const pair of followedBy(mixed(), old)) {
      await isRead(young, pair, hasSources ? isFresh : isUnbounded)
      await isRead(old, pair, hasSources ? isFresh : isUnbounded)
    }
  })

  test('counts by name what a node cannot read, and what it finds under an earlier key', async () => {
    const { fleet, old, young } = mixed()
    const late = fleet.chains.map((chain, at) => ({ chain, pair: 'LATE', last: LATE_PRICE + at }))
    await fleet.stage.produce(...late.map(({ chain, pair, last }) => updateOf(pair, { chain, price: last })))
    const read = (reader: Member, from: readonly (typeof late)[number][]) =>
      Promise.all(from.map(async (pair) => priceOf(await reader.read(pair)) === pair.last))
    await until('this build reads all', async () => (await read(young, late)).every(Boolean))
    await until('every update is handled', () =>
      late.every(({ last }) => old.handled.has(last) || young.handled.has(last)),
    )
    // Judged by who handled these: a partition may have moved since the market came to rest.
    const [own, others] = partitioned(late, ({ last }) => old.handled.has(last))
    await until('the older one reads its own', async () => (await read(old, own)).every(Boolean))
    if (hasSources) await until('and all others', async () => (await read(old, others)).every(Boolean))
    else expect(await read(old, others)).toEqual(others.map(() => false))
    const named = (member: Member, counter: string, labels = '') =>
      until(`${counter} counts`, async () => (await member.counted(counter, labels)) > 0)
    if (hasService && !hasSources) await named(old, 'l2_undecodable_total', 'reason="newer-schema"')
    if (!hasService) await named(young, 'l2_old_key_reads_total')
  })

  if (!hasService) {
    test('has two keys for a pair in Redis, of which this build reads the older one if it has written none', async () => {
      const { fleet, old, young } = mixed()
      const [chain = ''] = fleet.chains
      const eventTimeMs = Date.now() - 60_000
      const load = async () =>
        (await Promise.all([old, young].map((reader) => reader.call('load', chain, 'SET')))).map(priceOf)
      await old.call('set', chain, 'SET', { price: 10, eventTimeMs })
      expect(await load()).toEqual([10, 10])
      await young.call('set', chain, 'SET', { price: 11, eventTimeMs: eventTimeMs + 1_000 })
      expect(await load()).toEqual([10, 11])
    })
    return
  }

  test('keeps the newest value or deletion of a pair in Redis, whoever writes it', async () => {
    const { fleet, old, young } = mixed()
    const members = { old, young }
    const [chain = ''] = fleet.chains
    const startMs = Date.now() - 60_000
    for (const [act, by, seconds, price] of ACTS) {
      const eventTimeMs = startMs + seconds * 1_000
      if (act === 'sets') await members[by].call('set', chain, 'SET', { price: seconds, eventTimeMs })
      else await members[by].call('remove', chain, 'SET', eventTimeMs)
      const found = await Promise.all([old, young].map((reader) => reader.call('load', chain, 'SET')))
      expect({ act, by, seconds, found: found.map(priceOf) }).toEqual({ act, by, seconds, found: [price, price] })
    }
  })

  test('lets nothing older take the place of what a node of this build has written, but what is newer, and deletions', async () => {
    const { old, young } = mixed()
    const [{ chain, pair, last } = { chain: '', pair: '', last: 0 }] = followedBy(mixed(), young)
    await old.call('set', chain, pair, { price: 1, eventTimeMs: Date.now() - 600_000 })
    expect(priceOf(await young.call('load', chain, pair))).toBe(last)
    await old.call('set', chain, pair, { price: 2, eventTimeMs: Date.now() })
    for (const reader of [old, young]) expect(priceOf(await reader.call('load', chain, pair))).toBe(2)
    await old.call('remove', chain, pair, Date.now())
    for (const reader of [old, young]) expect(await reader.call('load', chain, pair)).toBe('missing')
  })
})
