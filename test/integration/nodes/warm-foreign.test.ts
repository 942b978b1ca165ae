import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { parseWarmResult, type WarmResult } from '../../../schemas/warm-result.ts'
import { detector } from '../../../src/detect/detector.ts'
import type { Seen } from '../../broker/conformance/stage.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import type { Stage } from '../../node/stage.ts'

const CHAIN = 'c'
const FILLERS = 40
const LAG_MS = 60
/** Only a warm or a read brings a pair into L1. */
const CONFIG = {
  cache: { l1Slots: 10, followForeign: 'off' },
  node: { lookAhead: 'off' },
  warming: { rollout: 'full', controlShare: 0 },
} as const

/** The feed is keyed by pair, so that pairs of one chain lie in different partitions. */
function produce(stage: Stage, partition: number, ...pairs: readonly string[]): Promise<void> {
  return stage.produceRecords(
    ...pairs.map((pair) => ({
      partition,
      key: pair,
      value: encodePriceJson({ pair, chain: CHAIN, price: 1, eventTimeMs: Date.now() }),
    })),
  )
}

/** A node whose detector reads FOLLOWER some time after each update of LEADER, and other pairs at once, which fill L1. */
class Asking {
  readonly seen = new Set<string>()
  readonly found: string[] = []
  node: ForewarmNode | undefined

  async make(stage: Stage): Promise<this> {
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      this.seen.add(pair)
      if (pair.startsWith('FILLER')) await prices.getOrLoad(CHAIN, pair)
      if (pair !== 'LEADER') return
      const dueMs = performance.now() + LAG_MS
      const isForetold = (this.node?.pairsToWarm(CHAIN, 'LEADER') ?? []).length > 0
      const isWarm = () => !isForetold || this.node?.has(CHAIN, 'FOLLOWER') === true
      await until('FOLLOWER is read', () => performance.now() >= dueMs && isWarm())
      const reading = prices.get(CHAIN, 'FOLLOWER')
      this.found.push(typeof reading === 'string' ? reading : 'found')
    })
    this.node = await stage.node({ detectors: [reader], config: CONFIG })
    return this
  }

  /** Resolves to what became of the read after an update of LEADER, before which FOLLOWER was pushed out of L1. */
  async round(stage: Stage, partition: number): Promise<string | undefined> {
    const { length } = this.found
    // For some seconds after a read it is kept in L1.
    await until('FOLLOWER is pushed out', async () => {
      const handled = (this.node?.stats().updates ?? 0) + FILLERS
      await produce(stage, partition, ...Array.from({ length: FILLERS }, (_, at) => `FILLER-${at}`))
      await until('the fillers are handled, and in L2', () => {
        const { updates = 0, l2 } = this.node?.stats() ?? {}
        return updates >= handled && l2?.waitingEntries === 0
      })
      return this.node?.has(CHAIN, 'FOLLOWER') === false && this.node.stats().l1.evictions > 0
    })
    await produce(stage, partition, 'LEADER')
    await until('FOLLOWER is read', () => this.found.length > length)
    return this.found.at(-1)
  }
}

function resultsIn(seen: readonly Seen[]): readonly WarmResult[] {
  return seen.flatMap(({ value }) => {
    const parsed = parseWarmResult(value ?? Buffer.alloc(0))
    return parsed.ok ? [parsed.value] : []
  })
}

test('a pair whose updates another node gets is warmed where a detector is about to read it', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const nodes = [await new Asking().make(stage), await new Asking().make(stage)]
    await Promise.all(nodes.map(({ node }) => node?.start()))
    const results = await stage.watch(stage.topics.warmResults)
    let probes = 0
    await until('each node gets one of the partitions', async () => {
      const names = [`PROBE-${probes++}`, `PROBE-${probes++}`]
      await Promise.all(names.map((name, partition) => produce(stage, partition, name)))
      await until('the probes are handled', () => names.every((name) => nodes.some(({ seen }) => seen.has(name))))
      return nodes.every(({ seen }) => names.filter((name) => seen.has(name)).length === 1)
    })
    const last = `PROBE-${probes - 2}`
    const [reader] = nodes.filter(({ seen }) => seen.has(last))
    await produce(stage, 1, 'FOLLOWER')
    await until('FOLLOWER is handled elsewhere', () => nodes.some(({ seen }) => seen.has('FOLLOWER')))
    expect(reader?.seen.has('FOLLOWER')).toBe(false)
    expect(await reader?.round(stage, 0)).toBe('unknown')
    // The miss makes the reader read it from L2. L1 may have no slot for it.
    const dueMs = performance.now() + 1_000
    const isBrought = () => reader?.node?.has(CHAIN, 'FOLLOWER') === true
    await until('the missed pair is brought', () => isBrought() || performance.now() >= dueMs)
    expect(await reader?.round(stage, 0)).toBe('found')
    const own = () => resultsIn(results).filter(({ node }) => node === reader?.node?.id)
    await until('the result is seen', () => own().length > 0)
    expect(own()).toMatchObject([{ status: 'done', warmed: 1 }])
    expect(reader?.node?.stats().warms).toMatchObject({ used: 1 })
  })
})
