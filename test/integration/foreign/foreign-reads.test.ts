import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { PushBack } from '../../../src/cache/l2/push-back.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { mutantOf } from '../../harness/mutant.ts'
import { until } from '../../harness/until.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'
import { Relay } from './relay.ts'

let redis: Stack
let relay: Relay
let ledger: Ledger | undefined

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  relay = await new Relay(redis.redisUrl ?? '').open()
})
afterEach(async () => {
  relay.release()
  relay.delayReads(0)
  await ledger?.close()
})
afterAll(async () => {
  await relay?.close()
  await redis?.stop()
})

async function started(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const urls = { ownerUrl: redis.redisUrl ?? '', readerUrl: relay.url, service: uniqueName('s') }
  ledger = await new Ledger({ ...urls, ...options }).start()
  return ledger
}

const isFresh = (what: string, of: Ledger) => until(what, () => of.isFresh)

async function reads(of: Ledger, more: number): Promise<void> {
  const enough = of.reads + more
  await until(`${more} more reads are made`, () => of.reads >= enough)
}

/** Runs the fault once reads are fresh, and waits until they are so again. */
async function survives(of: Ledger, fault: () => unknown, mend: () => unknown = () => undefined): Promise<void> {
  await isFresh('reads are fresh', of)
  await fault()
  await reads(of, 20_000)
  await mend()
  await reads(of, 1_000)
  await isFresh('reads are fresh again', of)
  await reads(of, 10_000)
  expect(of.falseBounds).toEqual([])
}

async function withRaw(work: (raw: Redis) => Promise<unknown>): Promise<void> {
  const raw = new Redis(redis.redisUrl ?? '')
  await work(raw)
  raw.disconnect()
}

describe('the bound of reads of pairs that another node follows', () => {
  it('is never too small without any fault, and the reads are fresh', async () => {
    const of = await started()
    await survives(of, () => undefined)
    expect(of.ways).toEqual(['told'])
    expect(of.reader.foreign.losses).toBe(0)
  })

  it('is never too small with clocks that are 5 s apart, either way', async () => {
    for (const aheadMs of [5_000, -5_000]) {
      const of = await started({ aheadMs })
      await survives(of, () => undefined)
      await of.close()
    }
  })

  it('is never too small when the connection that is told of changes is killed', async () => {
    const of = await started()
    await survives(of, () => relay.cut('told'))
    expect(of.reader.foreign.losses).toBeGreaterThan(0)
  })

  it('is never too small when all connections of the reader are killed', async () => {
    const of = await started()
    await survives(of, () => relay.cut('all'))
  })

  it('is never too small when all connections to Redis are killed', async () => {
    const of = await started()
    await survives(of, () => withRaw((raw) => raw.call('CLIENT', 'KILL', 'TYPE', 'normal')))
  })

  it('grows while the connection that is told of changes is silent, and its socket open', async () => {
    const of = await started()
    await survives(
      of,
      async () => {
        relay.hold('told')
        await until('the silence is noticed', () => of.worstBehindMs > 300)
      },
      () => relay.release(),
    )
  })

  it('is never too small when Redis is flushed, with its functions', async () => {
    const of = await started()
    await survives(of, () => withRaw((raw) => raw.flushall().then(() => raw.function('FLUSH', 'SYNC'))))
  })

  it('is never too small when Redis is killed and comes back empty', async () => {
    const of = await started()
    await survives(
      of,
      () => redis.stopRedis(),
      () => redis.startRedis(),
    )
  })

  it('is never too small when Redis stands still', async () => {
    const of = await started()
    await survives(
      of,
      () => redis.pauseRedis(),
      () => redis.resumeRedis(),
    )
  })

  it('is never too small for deletions, which leave the reader, too', async () => {
    const of = await started()
    await isFresh('reads are fresh', of)
    const { l1, l2 } = of.owner
    await until('the owner has a price of the pair', () => l1.floor(3) > 0)
    of.isOwnerStopped = true
    const version = l1.floor(3)
    await l2.delete([{ pairId: 3, version }])
    await until('the reader has no value', () => !of.reader.l1.has(3))
    expect(of.reader.l1.floor(3)).toBeGreaterThan(version)
    expect(of.falseBounds).toEqual([])
  })

  it('is never too small for what another node writes back after Redis has evicted what was newer', async () => {
    const of = await started()
    await isFresh('reads are fresh', of)
    relay.hold('all')
    await until('the reader is far behind', () => of.worstDistanceMs > 300)
    of.isOwnerStopped = true
    await withRaw(async (raw) => {
      await until('Redis has the last update', () => of.owner.writeBehind.pendingEntries === 0)
      await raw.del(await raw.keys(`fw:${of.service}:{c?}:*`))
    })
    const { l1, l2, sources } = of.reader
    const pushBack = new PushBack({ table: { end: l1.maxPairs }, l1, l2, sources })
    relay.release()
    await pushBack.round()
    pushBack.close()
    await reads(of, 20_000)
    expect(of.falseBounds).toEqual([])
    of.isOwnerStopped = false
    await isFresh('reads are fresh again', of)
  })

  it('grows while the owner stands still', async () => {
    const of = await started()
    await survives(
      of,
      async () => {
        of.isOwnerStopped = true
        await until('the bound grows', () => of.worstBehindMs > 300)
      },
      () => {
        of.isOwnerStopped = false
      },
    )
  })
})

describe('the ledger', () => {
  it('finds bounds that are too small where the fence waits for no answer of the silent connection', async () => {
    const of = await started({
      trackingOf: (tracking) => Object.assign(tracking, { toldAll: async () => true }),
    })
    await isFresh('reads are fresh', of)
    relay.hold('told')
    await until('a bound is too small', () => of.falseBounds.length > 0)
  })

  it('finds bounds that are too small where a pair is not read again that has changed during its read', async () => {
    const original = new URL('../../../src/cache/foreign/foreign-reads.ts', import.meta.url)
    const mutant = mutantOf(original, 'if (state === FLYING) this.#states[pairId] = AGAIN', '')
    const { ForeignReads } = await import(mutant.url)
    mutant.remove()
    const of = await started({ readsOf: (options) => new ForeignReads(options) })
    relay.delayReads(10)
    await until('a bound is too small', () => of.falseBounds.length > 0)
  })

  it('finds none of these where messages overtake the values that were read before', async () => {
    const of = await started()
    await survives(of, () => relay.delayReads(10))
  })
})
