import { describe, expect, test } from '@jest/globals'
import { createNode, type ForewarmNode } from '../../node/node.ts'
import type { NodeOptions } from '../../node/options.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import type { OwnStrategy, StrategyContext } from '../../src/strategy/own-strategy.ts'
import { topN } from '../../src/warming/strategies/built-in.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const BEGAN_MS = Date.UTC(2026, 0, 5, 12)
const FILLERS = 40

interface Playing {
  readonly node: ForewarmNode
  /** The warm requests so far. */
  requests(): readonly WarmRequest[]
  round(): Promise<void>
}

/**
 * A node whose detector reads B and C, 20 ms after each update of A on a manual clock. Reads of other pairs fill L1, so
 * both are evicted before the next update of A.
 */
async function playing(stage: Stage, { config, ...options }: NodeOptions): Promise<Playing> {
  let nowMs = BEGAN_MS
  let reads = 0
  const partner = detector('partner', {}, async ({ pair }, prices) => {
    if (pair !== 'A') return void (await prices.getOrLoad('ethereum', pair))
    nowMs += 20
    for (const read of ['B', 'C']) prices.get('ethereum', read)
    reads++
  })
  const node = await stage.startNode({
    detectors: [partner],
    clock: { now: () => nowMs },
    config: { ...config, cache: { l1Slots: 10 }, node: { lookAhead: 'off' } },
    ...options,
  })
  const seen = await stage.watch(stage.topics.warmRequests, 'earliest')
  const round = async () => {
    nowMs += 1_000
    const before = reads
    const fillers = Array.from({ length: FILLERS }, (_, n) => updateOf(`F${n}`, { eventTimeMs: nowMs }))
    await stage.produce(...['B', 'C'].map((pair) => updateOf(pair, { eventTimeMs: nowMs })), ...fillers)
    const isGone = (pair: string) => !node.has('ethereum', pair)
    await until('both are pushed out', () => node.stats().l1.evictions > 0 && isGone('B') && isGone('C'))
    await until('all is in L2', () => node.stats().l2.waitingEntries === 0)
    await stage.produce(updateOf('A', { eventTimeMs: nowMs }))
    await until('both are read', () => reads > before)
  }
  return { node, round, requests: () => seen.map(({ value }) => JSON.parse(`${value}`) as WarmRequest) }
}

const inMemory = () => ({ broker: createMemoryBroker() })
const onlyC: OwnStrategy['select'] = ({ candidates }) => ({
  selected: candidates.filter(({ pair }) => pair === 'C'),
  reason: 'C alone',
})

describe('a strategy of one’s own in a node', () => {
  test('chooses what is warmed, and the warm requests carry its name and its reason', async () => {
    await onStage(inMemory(), async (stage) => {
      const seen: StrategyContext[] = []
      const select: OwnStrategy['select'] = (context) => {
        seen.push(context)
        return onlyC(context)
      }
      const { node, round, requests } = await playing(stage, { strategy: { name: 'only C', minScore: 0, select } })
      for (let rounds = 0; rounds < 3; rounds++) await round()
      await until('two requests are seen', () => requests().length >= 2)
      for (const request of requests())
        expect(request).toMatchObject({ pairs: ['C'], strategy: 'only C', reason: 'C alone', origin: 'correlation' })
      // Updates of B and C borrow what follows A. Only after A itself, both are candidates.
      const ofA = seen.find(({ candidates }) =>
        ['B', 'C'].every((pair) => candidates.some((each) => each.pair === pair)),
      )
      expect(ofA?.candidates.map(({ kind, lagMs }) => [kind, lagMs])).toEqual([
        ['correlation', 20],
        ['correlation', 20],
      ])
      expect(ofA).toMatchObject({ eventTimeMs: BEGAN_MS + 2_020, l1: { capacity: 10 }, maxPairs: 8 })
      expect([node.config.warming.strategy, node.getConfig().origins.WARMING_STRATEGY]).toEqual([
        expect.objectContaining({ name: 'only C' }),
        'argument',
      ])
    })
  })

  test('that answers wrongly warms nothing, is counted with its fault, and the updates go on', async () => {
    await onStage(inMemory(), async (stage) => {
      let answers = 0
      const select = () => {
        if (answers++ === 0) return { selected: [{ pair: 'Z' }], reason: '' } as never
        throw new Error('a bug')
      }
      const { node, round, requests } = await playing(stage, { strategy: { name: 'faulty', select } })
      for (let rounds = 0; rounds < 4; rounds++) await round()
      const refused = (reason: string) =>
        metricValue(node, 'arbitrage_strategy_answers_refused_total', { strategy: 'faulty', reason })
      expect([await refused('not-a-candidate'), await refused('threw')]).toEqual([1, answers - 1])
      expect(answers).toBeGreaterThan(2)
      expect(requests()).toEqual([])
      expect(node.stats().updates).toBe(4 * (FILLERS + 3))
    })
  })

  test('gives way to another that is set while the node runs, and takes its place again', async () => {
    await onStage(inMemory(), async (stage) => {
      const { node, round, requests } = await playing(stage, { strategy: { name: 'only C', select: onlyC } })
      const last = async () => {
        const before = requests().length
        await round()
        await until('a request is seen', () => requests().length > before)
        const { strategy, reason } = requests().at(-1) ?? {}
        return [strategy, reason]
      }
      await round()
      expect(await last()).toEqual(['only C', 'C alone'])
      node.updateConfig({ warming: { strategy: 'top-n' } })
      expect(await last()).toEqual(['top-n', expect.stringContaining('the 5 likeliest')])
      const again: OwnStrategy['select'] = (context) => ({ ...onlyC(context), reason: 'C again' })
      node.updateConfig({ warming: { strategy: { name: 'only C', select: onlyC } } })
      expect(await last()).toEqual(['only C', 'C alone'])
      // It looks the same in all but its function.
      node.updateConfig({ warming: { strategy: { name: 'only C', select: again } } })
      expect(await last()).toEqual(['only C', 'C again'])
      node.updateConfig({ warming: { strategy: undefined } })
      expect(await last()).toEqual(['only C', 'C alone'])
    })
  })

  test('is compared with a named one under its own name', async () => {
    await onStage(inMemory(), async (stage) => {
      const { node } = await playing(stage, {
        strategy: topN({ topN: 2, minScore: 0.1 }),
        config: { warming: { strategyB: { name: 'only C', select: onlyC } } },
      })
      const { a, b } = node.stats().strategies ?? {}
      expect([a?.strategy, b?.strategy]).toEqual(['top-n', 'only C'])
      expect(node.config.warming).toMatchObject({ maxPairs: 2, minScore: 0.1 })
    })
  })

  test.each([
    [{ name: 'mine' }, 'warming.strategy (argument): got {"name":"mine"}; allowed: forewarm | top-n'],
    ['best', 'warming.strategy (argument): got "best"; allowed: forewarm | top-n'],
  ])('is refused where it is none: %j', async (strategy, message) => {
    const options = { env: {}, l2: 'memory', broker: createMemoryBroker() } as const
    const made = createNode({ ...options, strategy: strategy as never })
    await expect(made).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining(message) })
  })
})
