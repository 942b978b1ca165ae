import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'
import { Relay } from './relay.ts'

let redis: Stack
let relay: Relay
let raw: Redis
let ledger: Ledger | undefined

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
  relay = await new Relay(redis.redisUrl ?? '').open()
})
afterEach(async () => {
  relay.swallow(false)
  await raw.config('SET', 'tracking-table-max-keys', '1000000')
  await ledger?.close()
})
afterAll(async () => {
  raw?.disconnect()
  await relay?.close()
  await redis?.stop()
})

async function started(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const urls = { ownerUrl: redis.redisUrl ?? '', readerUrl: relay.url, service: uniqueName('s') }
  ledger = await new Ledger({ ...urls, ...options }).start()
  return ledger
}

async function readsAreFresh(of: Ledger): Promise<void> {
  await until('reads are fresh', () => of.isFresh && of.ways.at(-1) === 'poll')
  const enough = of.reads + 30_000
  await until('more reads are made', () => of.reads >= enough)
  await until('reads are still fresh', () => of.isFresh)
  expect(of.falseBounds).toEqual([])
}

async function userWithout(...rights: string[]): Promise<string> {
  const url = new URL(relay.url)
  url.username = uniqueName('user')
  url.password = 'secret'
  await raw.call('ACL', 'SETUSER', url.username, 'on', '>secret', '~*', '&*', '+@all', ...rights)
  return url.href
}

describe('a node that polls the pairs of other nodes', () => {
  it('has fresh reads and no bound that is too small, if it is told to poll', async () => {
    const of = await started({ polls: true })
    await readsAreFresh(of)
    expect(of.reader.foreign.invalidations).toBe(0)
  })

  it.each(['-client|tracking', '-client|id', '-subscribe', 'resetchannels'])(
    'does so and says why, once, if its user has %s',
    async (right) => {
      const of = await started({ readerUrl: await userWithout(right) })
      await readsAreFresh(of)
      expect(of.ways).toEqual(['poll'])
      expect(of.complaints).toEqual([expect.stringMatching(/NOPERM/)])
    },
  )

  it.each([
    ['told', '-hgetall'],
    ['told', '-time'],
    ['poll', '-hgetall', '-client|tracking'],
    ['poll', '-ping'],
  ])('reads values by way of "%s" and loses no connection, if its user has %s', async (way, ...rights) => {
    const of = await started({ readerUrl: await userWithout(...rights) })
    await until('values are near', () => of.reads > 1_000 && of.worstDistanceMs < 200)
    const enough = of.reads + 20_000
    await until('more reads are made', () => of.reads >= enough)
    await until('values are still near', () => of.worstDistanceMs < 200)
    expect([of.ways, of.reader.foreign.losses, of.falseBounds]).toEqual([[way], 0, []])
  })

  it('does not so with the least rights that docs/cache.md lists, as owner and as reader', async () => {
    const values = [
      '+mget',
      '+get',
      '+set',
      '+time',
      '+ping',
      '+function|load',
      '+fcall',
      '+hset',
      '+hexists',
      '+exists',
    ]
    const told = ['+hgetall', '+subscribe', '&__redis__:invalidate', '+client|id', '+client|tracking']
    const user = await userWithout('-@all', 'resetchannels', 'resetkeys', '~fw:least:*', ...values, ...told)
    const of = await started({ ownerUrl: user, readerUrl: user, service: 'least' })
    await until('reads are fresh', () => of.isFresh)
    expect(of.ways).toEqual(['told'])
  })

  it('does so if messages get lost on the way', async () => {
    relay.swallow(true)
    const of = await started()
    await readsAreFresh(of)
    expect(of.complaints).toEqual([expect.stringMatching(/tells of no change/)])
  })

  it('does so, and names the setting, if Redis can keep in mind too few reads', async () => {
    await raw.config('SET', 'tracking-table-max-keys', '10')
    const of = await started()
    await until('it polls', () => of.ways.at(-1) === 'poll')
    expect(of.complaints).toEqual([expect.stringMatching(/tracking-table-max-keys/)])
    await readsAreFresh(of)
  })
})
