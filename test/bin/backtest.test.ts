import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { InProcessNode } from '../../bin/in-process-node.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { type Detector, type DetectorFunction, detector } from '../../src/detect/detector.ts'
import type { NoReading, Reading } from '../../src/detect/reading.ts'
import type { Speed } from '../../src/replay/pace.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { priceAt, recordOf } from '../replay/record-builders.ts'
import { virtualTime } from '../replay/virtual-time.ts'
import { randomBacktest } from './random-backtest.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} runs the same detectors again`)

const PAIRS = Array.from({ length: 20 }, (_, i) => `P${i}`)
/** 200 updates, 100 ms apart. */
const UPDATES = Array.from({ length: 200 }, (_, i) => priceAt(i * 100, { pair: PAIRS[i % 20] as string, price: i }))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-backtest-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

interface Look {
  readonly update: PriceUpdate
  readonly read: Reading | NoReading
}

interface Backtest {
  readonly looks: readonly Look[]
  readonly node: InProcessNode
}

/** Replays through a node whose detector notes the reads that it is given. */
async function backtest(
  detect: (note: (update: PriceUpdate, ...reads: Look['read'][]) => void) => DetectorFunction,
  how: {
    readonly feed?: (node: InProcessNode) => Promise<void>
    readonly topics?: readonly string[]
    readonly timeoutMs?: number
  } = {},
): Promise<Backtest> {
  const looks: Look[] = []
  const note = (update: PriceUpdate, ...reads: Look['read'][]) => {
    for (const read of reads) looks.push({ update, read })
  }
  const node = await opened([detector('looking', {}, detect(note))], how)
  try {
    await (how.feed ?? feedUpdates)(node)
    return { looks, node }
  } finally {
    await node.close()
  }
}

async function opened(
  detectors: readonly Detector[],
  { topics = ['prices'], timeoutMs = 30_000 }: { readonly topics?: readonly string[]; readonly timeoutMs?: number },
): Promise<InProcessNode> {
  const configFile = join(folder, 'forewarm.config.json')
  await writeFile(configFile, JSON.stringify({ node: { detectorTimeoutMs: timeoutMs } }))
  const node = new InProcessNode({ detectors, configFile, ownTopics: new Set() })
  await node.open({ topics: new Map(topics.map((topic) => [topic, 2])), clusterId: undefined, stateHash: undefined })
  return node
}

const feedUpdates = (node: InProcessNode) => feed(node, ...UPDATES.map((update) => recordOf(update)))

async function feed(node: InProcessNode, ...records: readonly ReplayRecord[]): Promise<void> {
  for (const record of records) await node.apply(record)
  await node.flush()
}

function newerThanUpdate({ looks }: Backtest): readonly Look[] {
  return looks.filter(({ update, read }) => typeof read === 'object' && read.eventTimeMs > update.eventTimeMs)
}

describe('in a replay, no read shows a price of after its update', () => {
  const ways: Readonly<
    Record<string, (note: (update: PriceUpdate, ...reads: Look['read'][]) => void) => DetectorFunction>
  > = {
    'getMany, awaited': (note) => async (update, prices) => {
      note(update, ...(await prices.getMany('ethereum', PAIRS)))
    },
    'getOrLoad, again and again': (note) => async (update, prices) => {
      for (const pair of PAIRS) note(update, await prices.getOrLoad('ethereum', pair))
    },
    'get after microtasks and turns of the event loop': (note) => async (update, prices) => {
      for (const wait of [() => Promise.resolve(), () => new Promise(setImmediate)]) {
        await wait()
        note(update, ...PAIRS.map((pair) => prices.get('ethereum', pair)))
      }
    },
    'getMany that the handler forgets to await': (note) => (update, prices) => {
      void prices.getMany('ethereum', PAIRS).then(async (reads) => {
        note(update, ...reads, ...(await prices.getMany('ethereum', PAIRS)))
      })
    },
  }

  test.each(Object.entries(ways))('%s', async (_, detect) => {
    const run = await backtest(detect)
    const expected = UPDATES.flatMap((_, i) => PAIRS.map((_, at) => (i < at ? 'missing' : i - ((i - at) % 20))))
    expect(newerThanUpdate(run)).toEqual([])
    expect(run.looks.length).toBeGreaterThanOrEqual(expected.length)
    expect(run.node.stats()?.detectors).toMatchObject([{ errors: 0, timeouts: 0, readsTooLate: 0 }])
    const first = run.looks.slice(-PAIRS.length).map(({ read }) => (typeof read === 'object' ? read.price : read))
    expect(first).toEqual(expected.slice(-PAIRS.length))
  })

  test.each<Speed>(['max', 1000, 0.1])('at the speed %s', async (speed) => {
    const file = join(folder, 'prices.ndjson')
    await writeFile(file, UPDATES.map((update) => JSON.stringify(update)).join('\n'))
    const run = await backtest(
      (note) => async (update, prices) => note(update, ...(await prices.getMany('ethereum', PAIRS))),
      {
        feed: async (node) =>
          void (await replay({ from: { file }, to: { inProcess: node }, speed, time: virtualTime(0) })),
      },
    )
    expect([run.looks.length, newerThanUpdate(run)]).toEqual([4_000, []])
  })

  test('within a frame: an update is handled before the next one of its record is written', async () => {
    const frame = [priceAt(0, { pair: 'A', price: 1 }), priceAt(1, { pair: 'B', price: 2 })]
    const run = await backtest(
      (note) => async (update, prices) => note(update, ...(await prices.getMany('ethereum', ['A', 'B']))),
      {
        feed: (node) => feed(node, recordOf(priceAt(1), { value: Buffer.from(JSON.stringify(frame)) })),
      },
    )
    expect(run.looks.map(({ read }) => (typeof read === 'object' ? read.price : read))).toEqual([1, 'missing', 1, 2])
  })

  test('within a frame that is not in the order of time: neither of its later updates nor of earlier records', async () => {
    const before = [priceAt(0, { pair: 'B', price: 1 }), priceAt(5, { pair: 'C', price: 2 })]
    const frame = [priceAt(10, { pair: 'B', price: 3 }), priceAt(3, { pair: 'A', price: 4 })]
    const run = await backtest(
      (note) => async (update, prices) => {
        if (update.pair !== 'A') return
        note(update, prices.get('ethereum', 'B'), ...(await prices.getMany('ethereum', ['A', 'B', 'C'])))
      },
      {
        feed: (node) =>
          feed(
            node,
            ...before.map((update) => recordOf(update)),
            recordOf(priceAt(10), { value: Buffer.from(JSON.stringify(frame)) }),
          ),
      },
    )
    expect(run.looks.map(({ read }) => (typeof read === 'object' ? read.price : read))).toEqual([
      'missing',
      4,
      'missing',
      'missing',
    ])
    expect(run.node.stats()?.detectors).toMatchObject([{ readsOfNewer: 3 }])
  })

  test('of another topic or partition: the records of all are handled in one order', async () => {
    const topics = ['prices.a', 'prices.b']
    const records = UPDATES.map((update, i) =>
      recordOf(update, { topic: topics[i % 2] as string, partition: (i >> 1) % 2 }),
    )
    const run = await backtest(
      (note) => (update, prices) => note(update, ...PAIRS.map((pair) => prices.get('ethereum', pair))),
      {
        topics,
        feed: (node) => feed(node, ...records),
      },
    )
    expect([run.looks.length, newerThanUpdate(run)]).toEqual([4_000, []])
    expect(run.looks.map(({ update }) => update.price)).toEqual(UPDATES.flatMap(({ price }) => PAIRS.map(() => price)))
  })

  test('after random waits, timers and reads of several detectors', async () => {
    expect(await randomBacktest(SEED, 20_000)).toMatchObject({ fromTheFuture: 0 })
  }, 60_000)
})

test('where all pairs fit L1, a detector finds the same in a replay through get and through getMany', async () => {
  const findings = async (way: 'get' | 'getMany') => {
    const { looks } = await backtest((note) => async (update, prices) => {
      note(
        update,
        ...(way === 'get'
          ? PAIRS.map((pair) => prices.get('ethereum', pair))
          : await prices.getMany('ethereum', PAIRS)),
      )
    })
    // If a pair has no price, `get` answers 'unknown' at first.
    return looks.filter(({ read }) => typeof read === 'object')
  }
  expect(await findings('getMany')).toEqual(await findings('get'))
})

describe('a replay names the detector', () => {
  test('that does not settle in time, whose later reads are missing', async () => {
    const late = Promise.withResolvers<Look['read']>()
    const gate = Promise.withResolvers<void>()
    const detect: DetectorFunction = ({ price }, prices) => {
      if (price !== 3) return
      return gate.promise.then(() => late.resolve(prices.get('ethereum', 'P0')))
    }
    const feed = async (node: InProcessNode) => {
      await feedUpdates(node)
      gate.resolve()
      await late.promise
    }
    const { node } = await backtest(() => detect, { feed, timeoutMs: 1 })
    expect(await late.promise).toBe('missing')
    expect(node.stats()?.detectors).toMatchObject([{ detector: 'looking', errors: 0, timeouts: 1, readsTooLate: 1 }])
  })

  test('that throws', async () => {
    const { node } = await backtest(() => ({ price }) => {
      if (price < 3) throw new Error('thrown by the test')
    })
    expect(node.stats()?.detectors).toMatchObject([{ detector: 'looking', errors: 3, timeouts: 0 }])
  })

  test('that read a newer price for a record that is earlier than one before it', async () => {
    const run = await backtest(
      (note) => async (update, prices) => note(update, await prices.getOrLoad('ethereum', 'A')),
      {
        feed: (node) => feed(node, recordOf(priceAt(50, { pair: 'A' })), recordOf(priceAt(10, { pair: 'B' }))),
      },
    )
    expect(run.looks.map(({ read }) => typeof read)).toEqual(['object', 'string'])
    expect(run.node.stats()?.detectors).toMatchObject([{ detector: 'looking', errors: 0, readsOfNewer: 1 }])
  })
})
