import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { CachedPrice } from '../../../src/cache/cached-price.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
import { columnsOf, type Row } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { addScriptUser, asScriptUser, closeLevels, openLevel, written } from './redis-levels.ts'

let redis: Stack

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  const raw = new Redis(redis.redisUrl ?? '')
  await addScriptUser(raw)
  raw.disconnect()
})
afterEach(closeLevels)
afterAll(() => redis?.stop())

async function opened(way: string, kind: 'prices' | 'values') {
  const table = new PairTable({ maxPairs: 1_000 })
  const url = redis.redisUrl ?? ''
  const l2 = await openLevel({ url: way === 'functions' ? url : asScriptUser(url), table, kind })
  const chain = uniqueName('chain')
  return { l2, pair: (name: string) => table.register(chain, name) }
}

const write = (l2: L2, ...rows: readonly Row[]) => l2.write(columnsOf(rows), 0, rows.length)

async function rowsOf(l2: L2, ...pairIds: readonly number[]): Promise<readonly (CachedPrice | undefined)[]> {
  const load = await l2.load(pairIds)
  return load.status === 'loaded' ? load.rows : []
}

const json = new StoredJson('{"depth":25}')

test.each(['functions', 'scripts'])(
  'values of many kilobytes are written in one call of many rows, by %s',
  async (way) => {
    const { l2, pair } = await opened(way, 'values')
    const texts = Array.from({ length: 90 }, (_, at) => JSON.stringify(`€${at}`.repeat(at * at)))
    const rows = texts.map((text, at) => ({
      ...{ pairId: pair(`P${at}`), version: 4_096 + at, price: Number.NaN },
      json: new StoredJson(text),
    }))
    expect(await write(l2, ...rows)).toEqual(written(90))
    const loaded = await rowsOf(l2, ...rows.map(({ pairId }) => pairId))
    expect(loaded.map((row) => row?.json?.text)).toEqual(texts)
  },
)

test.each(['functions', 'scripts'])(
  'a price that is written back without its JSON keeps it, and a newer one does not, by %s',
  async (way) => {
    const { l2, pair } = await opened(way, 'prices')
    const row = { pairId: pair('A'), version: 4_096_000, price: 7 }
    for (const sourceCode of [0, 5]) {
      await write(l2, { ...row, version: row.version + sourceCode, json, sourceCode })
      expect(await write(l2, { ...row, version: row.version + sourceCode })).toEqual(written(1))
      expect((await rowsOf(l2, row.pairId))[0]?.json?.value).toEqual({ depth: 25 })
    }
    await write(l2, { ...row, version: row.version + 6 })
    expect((await rowsOf(l2, row.pairId))[0]?.json).toBeUndefined()
  },
)

test.each(['functions', 'scripts'])(
  'sources of prices with JSON are found to be mixed as all others, by %s',
  async (way) => {
    const { l2, pair } = await opened(way, 'prices')
    const [one, other] = [4_096 * 3 + 1, 4_096 * 3 + 2]
    const row = { pairId: pair('A'), version: 4_096_000, price: 7, json }
    await write(l2, { ...row, sourceCode: one })
    await write(l2, { ...row, version: row.version + 1, sourceCode: other })
    const [found] = await rowsOf(l2, row.pairId)
    expect([found?.json?.text, found?.version]).toEqual([json.text, row.version + 1])
  },
)
