import { beforeEach, describe, expect, test } from '@jest/globals'
import { type CachedPrice, emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { type PriceSight, priceSight, type SightOptions } from '../../../src/cache/freshness/price-sight.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import type { L2Load } from '../../../src/cache/l2/l2.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { FOLLOWS, Sources } from '../../../src/cache/sources/sources.ts'

const VERSION = 1_000 * VERSIONS_PER_MS + 7
const NOTHING: L2Load = { status: 'loaded', rows: [undefined] }

let sources: Sources
let table: PairTable
let l1: L1
let pending: CachedPrice | undefined
let loads: { l2: L2Load; l3: L2Load | undefined }

beforeEach(() => {
  sources = new Sources()
  table = new PairTable({ maxPairs: 4 })
  l1 = new L1({ slots: 4, maxPairs: 4, sources })
  pending = undefined
  loads = { l2: NOTHING, l3: undefined }
})

function look(chain: string, pair: string): Promise<PriceSight> {
  const { l3 } = loads
  const options: SightOptions = {
    ...{ table, l1, sources, clock: { now: () => 1_500 }, monotonic: () => 90 },
    l2: { load: async () => loads.l2 },
    l3: l3 && { load: async () => l3 },
    writeBehind: { pending: (_, into) => pending !== undefined && Object.assign(into, pending) !== undefined },
    arrivals: { hasAll: (pairId) => pairId === table.find('c', 'HERE') },
  }
  return priceSight(options, chain, pair)
}

function priceOf(given: Partial<CachedPrice>): CachedPrice {
  return { ...emptyPrice(), version: VERSION, eventTimeMs: 1_000, price: 2, bid: 1, ...given }
}

describe('the sight of a price', () => {
  test('has the value of L1 with its age, its bound and its source, and counts no read', async () => {
    const source = sources.idOf('prices', 3)
    sources.raise(source, 50)
    l1.fill(table.register('c', 'A/B'), priceOf({ source, asOfMs: FOLLOWS }))
    const coldest = l1.coldest(1)
    expect(await look('c', 'A/B')).toEqual({
      ...{ status: 'found', chain: 'c', pair: 'A/B', price: 2, bid: 1, eventTimeMs: 1_000, ageMs: 500, behindMs: 40 },
      ...{ version: VERSION, level: 'L1', kind: 'foreign', source: 'prices/3' },
    })
    expect(l1.coldest(1)).toEqual(coldest)
  })

  test('says that a pair is followed whose partition this node has', async () => {
    const source = sources.idOf('prices', 3)
    sources.follow(source)
    l1.fill(table.register('c', 'A'), priceOf({ source, asOfMs: FOLLOWS }))
    expect(await look('c', 'A')).toMatchObject({ kind: 'followed', source: 'prices/3', behindMs: null })
  })

  test('has what waits to be written to L2, what L2 has, or what L3 has', async () => {
    const row = priceOf({})
    loads = { l2: NOTHING, l3: { status: 'loaded', rows: [row] } }
    expect(await look('c', 'A')).toMatchObject({ level: 'L3', kind: 'unknown', source: null })
    loads = { ...loads, l2: { status: 'loaded', rows: [row] } }
    expect(await look('c', 'A')).toMatchObject({ level: 'L2' })
    pending = priceOf({ price: 5 })
    expect(await look('c', 'A')).toMatchObject({ level: 'L2', price: 5 })
    expect(l1.usage.resident).toBe(0)
  })

  test('does not show a value that is older than one that this node has had', async () => {
    l1.remove(table.register('c', 'A'), VERSION + 1)
    loads = { l2: { status: 'loaded', rows: [priceOf({})] }, l3: undefined }
    expect(await look('c', 'A')).toMatchObject({ status: 'missing', reason: expect.stringContaining('older') })
  })

  test('says why there is none', async () => {
    expect(await look('c', 'A')).toEqual({ status: 'missing', kind: 'unknown', reason: 'no level has it' })
    table.register('c', 'HERE')
    expect(await look('c', 'HERE')).toMatchObject({ status: 'missing', kind: 'followed' })
    loads = { l2: { status: 'unavailable', reason: 'closed' }, l3: undefined }
    expect(await look('c', 'A')).toMatchObject({ status: 'unavailable', reason: 'L2 is away: closed' })
    loads = { l2: { status: 'loaded', rows: [undefined], unknown: new Set([0]) }, l3: undefined }
    expect(await look('c', 'A')).toMatchObject({ status: 'unavailable' })
    expect(await look('c', '\0')).toMatchObject({ status: 'bad-name', reason: expect.stringContaining('NUL') })
    for (const pair of ['B', 'C', 'D', 'E']) table.register('c', pair)
    expect(await look('c', 'F')).toMatchObject({ status: 'unavailable', reason: expect.stringContaining('MAX_PAIRS') })
  })
})
