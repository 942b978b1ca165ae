import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { InProcessNode } from '../../bin/in-process-node.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { detector } from '../../src/detect/detector.ts'
import type { Prices } from '../../src/detect/prices.ts'
import type { Reading } from '../../src/detect/reading.ts'
import { mulberry32 } from '../harness/mulberry32.ts'
import { priceAt, recordOf } from '../replay/record-builders.ts'

export const BACKTEST_TOPICS = ['prices.a', 'prices.b']

const PAIRS = Array.from({ length: 40 }, (_, i) => `P${i}`)
const MOST_STEPS = 8
const MOST_UPDATES = 3
/** A step that really takes time is rare, so that many cases run. */
const TIMER_SHARE = 0.002

export interface BacktestResult {
  /** Steps that the handlers have taken: reads, awaits and timers. */
  readonly steps: number
  /** Readings that the handlers got. */
  readonly readings: number
  /** Readings of prices that were written after the update that asked. */
  readonly fromTheFuture: number
}

type Counts = { -readonly [Name in keyof BacktestResult]: BacktestResult[Name] }

function pairAt(below: (n: number) => number): string {
  return PAIRS[below(PAIRS.length)] as string
}

/** A detector function that reads, waits and reads again at random, and counts what it gets. */
function randomDetector(random: () => number, done: Counts) {
  const below = (n: number) => Math.floor(random() * n)
  const anyPair = () => pairAt(below)
  const check = (update: PriceUpdate, read: Reading | string) => {
    if (typeof read === 'string') return
    done.readings++
    if (read.price > update.price || read.eventTimeMs > update.eventTimeMs) done.fromTheFuture++
  }
  const step = async (update: PriceUpdate, prices: Prices): Promise<void> => {
    done.steps++
    const read = () => check(update, prices.get('ethereum', anyPair()))
    const ways: readonly (() => unknown)[] = [
      read,
      async () => check(update, await prices.getOrLoad('ethereum', anyPair())),
      async () => {
        for (const each of await prices.getMany('ethereum', [anyPair(), anyPair(), 'nobody'])) check(update, each)
      },
      () => Promise.resolve(),
      () => nextTurn(),
      () => queueMicrotask(read),
      () => (random() < TIMER_SHARE ? void setTimeout(read, 1) : undefined),
    ]
    await (random() < TIMER_SHARE ? delay(1) : ways[below(ways.length)]?.())
  }
  const program = async (update: PriceUpdate, prices: Prices): Promise<void> => {
    for (let left = 1 + below(MOST_STEPS); left > 0; left--) await step(update, prices)
  }
  return (update: PriceUpdate, prices: Prices): Promise<void> | undefined => {
    check(update, prices.get('ethereum', anyPair()))
    // One in four forgets to await what it has begun.
    if (below(4) > 0) return program(update, prices)
    void program(update, prices)
    return undefined
  }
}

/**
 * Runs random detectors over records of several topics and frames, through the node of a replay. An update's price is its
 * place among all updates, so each reading tells when it was written.
 */
export async function randomBacktest(seed: number, steps: number): Promise<BacktestResult> {
  const random = mulberry32(seed)
  const below = (n: number) => Math.floor(random() * n)
  const done: Counts = { steps: 0, readings: 0, fromTheFuture: 0 }
  const detect = randomDetector(random, done)
  const node = new InProcessNode({
    detectors: [detector('random', {}, detect), detector('other', { topics: BACKTEST_TOPICS.slice(1) }, detect)],
    configFile: undefined,
    ownTopics: new Set(),
  })
  await node.open({
    topics: new Map(BACKTEST_TOPICS.map((topic) => [topic, 4])),
    clusterId: undefined,
    stateHash: undefined,
  })
  try {
    let atMs = 0
    let written = 0
    let topic = BACKTEST_TOPICS[0] as string
    while (done.steps < steps) {
      atMs += below(3)
      if (random() < 0.05) topic = BACKTEST_TOPICS[below(2)] as string
      const updates = Array.from({ length: 1 + below(MOST_UPDATES) }, () =>
        priceAt(atMs - below(3), { pair: pairAt(below), price: ++written }),
      )
      // The record has the time of its newest update, wherever that stands in it.
      const newest = below(updates.length)
      updates[newest] = { ...(updates[newest] as PriceUpdate), eventTimeMs: priceAt(atMs).eventTimeMs }
      const value = Buffer.from(JSON.stringify(updates))
      await node.apply(recordOf(priceAt(atMs), { topic, partition: below(4), value }))
      // A replay at a pace does so before it waits.
      if (random() < 0.01 || written - handled(node) > 1_000) await node.flush()
    }
    await node.flush()
    return done
  } finally {
    await node.close()
  }
}

function handled(node: InProcessNode): number {
  return node.stats()?.updates ?? 0
}
