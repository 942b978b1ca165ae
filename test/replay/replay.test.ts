import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { MemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { priceAt, recordOf, T0 } from './record-builders.ts'
import { collector, market, openStage, type ReplayStage } from './replay-stage.ts'
import { virtualTime } from './virtual-time.ts'

let stage: ReplayStage
let broker: MemoryBroker

beforeEach(async () => {
  stage = await openStage()
  broker = stage.broker
})
afterEach(() => stage.close())

describe('replay at a pace', () => {
  test('keeps the distances of the records, divided by the speed', async () => {
    await stage.send(market())
    const time = virtualTime(1_000_000)
    const at: number[] = []
    const inProcess = { apply: () => void at.push(time.now() - 1_000_000) }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess }, speed: 2, time })
    expect(at).toEqual(Array.from({ length: 300 }, (_, i) => i * 5))
    expect(report.maxBehindMs).toBe(0)
  })

  test('counts as progress the records that were replayed, not the file that was read', async () => {
    const from = { file: await stage.priceFile([0, 10, 20, 30].map((at) => priceAt(at))) }
    const started = Promise.withResolvers<() => { fraction: number | undefined }>()
    const fractions: (number | undefined)[] = []
    const inProcess = { apply: async () => void fractions.push((await started.promise)().fraction) }
    await replay({ broker, from, to: { inProcess }, speed: 1, time: virtualTime(T0), onStart: started.resolve })
    expect(fractions).toEqual([0, 0.25, 0.5, 0.75])
    expect((await started.promise)().fraction).toBe(1)
  })

  test('sends the records that are due before it waits', async () => {
    await stage.send([recordOf(priceAt(0)), recordOf(priceAt(60_000))])
    const time = virtualTime(T0)
    let arrived = 0
    const watching = {
      ...time,
      sleep: async (ms: number, signal: AbortSignal) => {
        arrived = (await stage.contentsOf('test.prices')).length
        await time.sleep(ms, signal)
      },
    }
    await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' }, speed: 1, time: watching })
    expect(arrived).toBe(1)
  })

  test('ends at an abort, and reports what was done by then', async () => {
    await stage.send(market())
    const abort = new AbortController()
    let applied = 0
    const inProcess = {
      apply: () => {
        applied++
        if (applied === 40) abort.abort()
      },
    }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess }, signal: abort.signal })
    expect(report).toMatchObject({ status: 'interrupted', replayed: 40, read: 40 })
  })
})

describe('replay from a price file', () => {
  test('keeps the order of the lines and counts those that cannot be read', async () => {
    const file = await stage.priceFile([
      priceAt(5),
      priceAt(0, { pair: 'B' }),
      '{"pair":',
      '',
      priceAt(9),
      '{"pair":"A"}',
    ])
    const sink = collector()
    const report = await replay({ from: { file }, to: { inProcess: sink } })
    expect(sink.records.map(({ timestampMs }) => timestampMs - T0)).toEqual([5, 0, 9])
    expect(report.skipped).toEqual([
      { reason: 'not-json', records: 1, first: `${file}, line 3` },
      { reason: 'missing-chain', records: 1, first: `${file}, line 6` },
    ])
  })

  test('goes to partitions by chain', async () => {
    const file = await stage.priceFile([
      priceAt(0),
      priceAt(1, { chain: 'polygon' }),
      '{"chain":"polygon","pair":"x","delisted":true}',
    ])
    await replay({ broker, from: { file }, to: { topic: 'prices' } })
    const keys = (await stage.contentsOf('prices')).map(({ key }) => key?.toString())
    expect(keys.toSorted()).toEqual(['ethereum\0WETH/USDC', 'polygon\0WETH/USDC', 'polygon\0x'])
  })
})

describe('the filters of a replay', () => {
  test('refuse a partition that neither the recorded topics nor a price file have', async () => {
    await stage.send(market())
    const recording = join(stage.folder, 'market.ndjson')
    await record({ broker, topics: ['prices'], file: recording })
    const from = (file: string, partitions: number[]) =>
      replay({ from: { file, partitions }, to: { inProcess: collector() } })
    expect((await from(recording, [0, 2])).replayed).toBe(200)
    const refusal = (allowed: string) => ({ code: 'bad-option', message: `partitions: got 99; allowed: ${allowed}` })
    await expect(from(recording, [0, 99])).rejects.toMatchObject(refusal('0 to 2'))
    await expect(from(await stage.priceFile([priceAt(0)]), [0, 99])).rejects.toMatchObject(refusal('0 to 0'))
  })

  test('count the records that they leave out by reason', async () => {
    await stage.send(market())
    const filters = { chains: ['chain-0'], pairs: ['pair-3'], max: 20 }
    const report = await replay({
      broker,
      from: { topic: 'prices', since: T0 + 100 },
      to: { inProcess: collector() },
      filters,
    })
    expect(report.replayed).toBe(20)
    expect(report.filtered.chain + report.filtered.pair + report.filtered.time + report.replayed).toBe(report.read)
    expect(report.filtered.pair).toBeGreaterThan(0)
  })
})

describe('an apply that does not settle', () => {
  test('is counted after its time, and the replay goes on', async () => {
    const file = await stage.priceFile([priceAt(0), priceAt(1), priceAt(2)])
    const applied: bigint[] = []
    const apply = ({ offset }: ReplayRecord) => {
      applied.push(offset)
      return offset === 1n ? new Promise<void>(() => {}) : Promise.resolve()
    }
    const report = await replay({ from: { file }, to: { inProcess: { apply, timeoutMs: 20 } } })
    const timedOut = { reason: 'timed-out', records: 1, first: expect.stringContaining('offset 1: apply did not') }
    expect(report).toMatchObject({ status: 'done', replayed: 3, failed: [timedOut] })
    expect(applied).toEqual([0n, 1n, 2n])
  })

  test('has the time of DETECTOR_TIMEOUT_MS unless another is given', async () => {
    process.env.DETECTOR_TIMEOUT_MS = '7'
    try {
      const file = await stage.priceFile([priceAt(0)])
      const { failed } = await replay({ from: { file }, to: { inProcess: { apply: () => new Promise(() => {}) } } })
      expect(failed[0]?.first).toContain('within 7 ms')
    } finally {
      delete process.env.DETECTOR_TIMEOUT_MS
    }
  })
})

describe('replay in a loop', () => {
  test('goes over the same records again, each pass later than the last', async () => {
    await stage.send([recordOf(priceAt(0)), recordOf(priceAt(500))])
    const sink = collector()
    const time = virtualTime(1_900_000_000_000)
    const to = { inProcess: sink }
    const report = await replay({ broker, from: { topic: 'prices' }, to, loop: 3, timestamps: 'shift', time })
    expect(report.passes).toBe(3)
    const times = sink.records.map(({ timestampMs }) => timestampMs)
    expect(times.length).toBe(6)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(new Set(times).size).toBe(6)
  })

  test('counts what each pass could not read', async () => {
    const file = await stage.priceFile([priceAt(0)])
    await appendFile(file, '\nno price\n')
    const report = await replay({ from: { file }, to: { inProcess: collector() }, loop: 3 })
    expect(report).toMatchObject({ replayed: 3, skipped: [{ reason: 'not-json', records: 3 }] })
  })

  test('without an end stops at max, or if there are no records', async () => {
    await stage.send([recordOf(priceAt(0))])
    const options = { broker, to: { inProcess: collector() }, loop: true } as const
    expect((await replay({ ...options, from: { topic: 'prices' }, filters: { max: 7 } })).replayed).toBe(7)
    expect((await replay({ ...options, from: { topic: 'warm-requests' } })).replayed).toBe(0)
  })
})

describe('the state hash of a replay', () => {
  const hashOf = async (updates: readonly PriceUpdate[]) => {
    const file = await stage.priceFile(updates)
    return (await replay({ from: { file }, to: { inProcess: collector() } })).stateHash
  }
  const updates = market().map(({ value }) => JSON.parse(value?.toString() ?? '') as PriceUpdate)

  test('is the same for two replays of one file, and another one if a price is', async () => {
    const hash = await hashOf(updates)
    expect(await hashOf(updates)).toBe(hash)
    expect(await hashOf(updates.with(299, { ...priceAt(2990), price: 99 }))).not.toBe(hash)
  })

  test('does not depend on the order of pairs', async () => {
    const byPair = updates.toSorted((a, b) => (a.pair < b.pair ? -1 : a.pair > b.pair ? 1 : 0))
    expect(await hashOf(byPair)).toBe(await hashOf(updates))
  })

  test('stays the same through recording, replay to a topic and reading back', async () => {
    await stage.send(market())
    const file = join(stage.folder, 'market.ndjson.gz')
    const recorded = await record({ broker, topics: ['prices'], file })
    const replayed = await replay({ broker, from: { file }, to: { topicPrefix: 'test.' }, verifyHash: true })
    expect(replayed).toMatchObject({ stateHash: recorded.stateHash, hashMatches: true })
    const back = await replay({
      broker,
      from: { topic: 'test.prices' },
      to: { inProcess: collector() },
      verifyHash: recorded.stateHash,
    })
    expect(back.hashMatches).toBe(true)
  })

  test('that is not the expected one is reported, not thrown', async () => {
    const file = await stage.priceFile(updates)
    const report = await replay({ from: { file }, to: { inProcess: collector() }, verifyHash: 'f'.repeat(64) })
    expect(report.hashMatches).toBe(false)
  })
})

describe('replay in process', () => {
  test('moves the clock to each record before it is applied', async () => {
    const clock = virtualClock()
    const seen: number[] = []
    const inProcess = { apply: () => void seen.push(clock.now() - T0) }
    await replay({ from: { file: await stage.priceFile([priceAt(0), priceAt(7)]) }, to: { inProcess, clock } })
    expect(seen).toEqual([0, 7])
  })

  test('ends with an error of the pipeline and names the record', async () => {
    const inProcess = { apply: () => Promise.reject(new Error('no room')) }
    const file = await stage.priceFile([priceAt(0)])
    await expect(replay({ from: { file }, to: { inProcess } })).rejects.toMatchObject({
      code: 'sink-failed',
      message: 'prices/0 offset 0: no room',
    })
  })
})

describe('replay to standard output', () => {
  test('writes updates that can be read as a file of prices', async () => {
    await stage.send([recordOf(priceAt(0)), { ...recordOf(priceAt(1)), value: undefined }])
    const stdout = new PassThrough()
    await replay({ broker, from: { topic: 'prices' }, to: { stdout } })
    stdout.end()
    expect(await text(stdout)).toBe(
      `${JSON.stringify({ pair: 'WETH/USDC', chain: 'ethereum', price: 3000, eventTimeMs: T0 })}\n` +
        '{"chain":"ethereum","pair":"WETH/USDC","delisted":true}\n',
    )
  })
})

describe('the replay options', () => {
  test.each([
    [{ speed: 0.01 }, 'speed: got 0.01; allowed: a number from 0.1 to 1000, or max'],
    [{ filters: { sample: 2 } }, 'sample: got 2; allowed: a share from 0 to 1'],
    [{ loop: 0 }, 'loop: got 0; allowed: a whole number from 1'],
    [
      { from: { topic: 'prices', since: 'yesterday' } },
      'since: got yesterday; allowed: a time of ISO 8601 like 2026-07-10T00:00Z, or milliseconds since 1970',
    ],
    [
      { from: { topic: 'prices', since: 1_783_715_268 } },
      'since: got 1783715268; allowed: a time of ISO 8601 like 2026-07-10T00:00Z, or milliseconds since 1970',
    ],
    [
      { from: { topic: 'prices', until: '1783715268000000' } },
      'until: got 1783715268000000; allowed: a time of ISO 8601 like 2026-07-10T00:00Z, or milliseconds since 1970',
    ],
    [
      { from: { topic: 'prices', since: '2026-07-11', until: '2026-07-10' } },
      'until: got 2026-07-10; allowed: a time after since, 2026-07-11',
    ],
    [{ from: { topic: 'prices', fromOffset: 5, toOffset: 5n } }, 'toOffset: got 5; allowed: more than fromOffset, 5'],
    [{ from: { topic: 'prices', partitions: [0, 99] } }, /^partitions: got 99; allowed: 0 to \d+$/],
    [{ verifyHash: true }, 'verifyHash: the source has no recorded hash; give the expected one'],
  ] as const)('%j are refused', async (given, message) => {
    const options = { broker, from: { topic: 'prices' }, to: { inProcess: collector() }, ...given }
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    await expect(replay(options)).rejects.toMatchObject({ code: 'bad-option', message: expected })
  })
})
