import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { uniqueName } from '../../harness/kafka.ts'
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

describe('reads of pairs that another node follows', () => {
  it('are fresh and bound by what the ledger knows, without any fault', async () => {
    const of = await started()
    await isFresh('reads are fresh', of)
    await reads(of, 40_000)
    expect(of.falseBounds).toEqual([])
    expect(of.ways).toEqual(['told'])
    expect(of.reader.foreign.losses).toBe(0)
  })
})
