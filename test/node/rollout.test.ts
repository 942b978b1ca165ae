import { describe, expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { controlKey } from '../../schemas/control/control-record.ts'
import type { RolloutMode } from '../../schemas/control/rollout-modes.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const GROUPS = 40
const GROUP = 4
const PAIRS = Array.from({ length: GROUPS * GROUP }, (_, n) => `P${n}`)
const SMALL = { l1Slots: 24 }

/** Reads the other pairs of the update's group, and goes on when it has them. */
const siblings = detector('siblings', {}, async ({ chain, pair }, prices) => {
  const at = PAIRS.indexOf(pair)
  const first = at - (at % GROUP)
  await prices.getMany(
    chain,
    PAIRS.slice(first, first + GROUP).filter((each) => each !== pair),
  )
})

const onMemory = (body: (stage: Stage) => Promise<void>) => onStage({ broker: createMemoryBroker() }, body)

interface Rolled {
  readonly rollout?: RolloutMode
  readonly rolloutPercentage?: number
  readonly enabledChains?: readonly string[]
  readonly enabled?: boolean
}

function startNode(stage: Stage, warming: Rolled = {}): Promise<ForewarmNode> {
  return stage.startNode({
    detectors: [siblings],
    start: 'earliest',
    config: {
      cache: SMALL,
      node: { lookAhead: 'await', lookAheadMs: 1_000 },
      warming: { controlShare: 0, ...warming },
    },
  })
}

/** One update of every pair, in an order in which neighbours are of different groups. */
async function round(stage: Stage, nodes: readonly ForewarmNode[], chain = 'ethereum'): Promise<void> {
  const before = nodes.map((node) => node.stats().updates)
  const order = PAIRS.map((_, n) => PAIRS[(n * 37) % PAIRS.length] ?? '')
  await stage.produce(...order.map((pair) => updateOf(pair, { chain, eventTimeMs: Date.now() })))
  await until('all are handled', () =>
    nodes.every((node, at) => node.stats().updates - (before[at] ?? 0) === PAIRS.length),
  )
}

const ratioOf = ({ hits, misses }: { readonly hits: number; readonly misses: number }) => hits / (hits + misses)

describe('shadow', () => {
  test('promotes nothing, and predicts the hit ratio that full shows on the same updates', () =>
    onMemory(async (stage) => {
      const shadow = await startNode(stage, { rollout: 'shadow' })
      for (let n = 0; n < 6; n++) await round(stage, [shadow])
      const seen = shadow.rollout.status()
      expect(seen.mode).toBe('shadow')
      expect(shadow.stats().warms.admitted).toBe(0)
      expect(seen.shadow?.hitRatio).toBeCloseTo(ratioOf(shadow.stats().reads), 10)
      await onMemory(async (other) => {
        const full = await startNode(other)
        for (let n = 0; n < 6; n++) await round(other, [full])
        const shown = ratioOf(full.stats().reads)
        expect(shown).toBeGreaterThan((seen.shadow?.hitRatio ?? 1) + 0.2)
        expect(Math.abs((seen.shadow?.hitRatioWithWarming ?? 0) - shown)).toBeLessThan(0.02)
      })
    }))

  test('carries out what is asked for by hand', () =>
    onMemory(async (stage) => {
      const node = await startNode(stage, { rollout: 'shadow' })
      await round(stage, [node])
      const [away = ''] = PAIRS.filter((pair) => !node.has('ethereum', pair))
      expect(await node.warm('ethereum', [away])).toMatchObject({ status: 'done', warmed: 1 })
      expect(node.has('ethereum', away)).toBe(true)
    }))

  test('is how the profile production begins, until operators set another mode for all nodes', () =>
    onMemory(async (stage) => {
      const first = await stage.node({ config: { warming: { rollout: undefined } } })
      expect(first.rollout.status()).toMatchObject({ mode: 'shadow', set: { version: 0 } })
    }))
})

describe('a rollout that is set on one node', () => {
  test('is followed by the others and by one that starts later, with who set it and why', () =>
    onMemory(async (stage) => {
      const [one, other] = [
        await startNode(stage, { rollout: 'shadow' }),
        await startNode(stage, { rollout: 'shadow' }),
      ]
      const outcome = await one.rollout.set({ mode: 'canary', percent: 30 }, { by: 'ana', reason: 'begin' })
      expect(outcome).toMatchObject({ status: 'set', rollout: { version: 1, mode: 'canary', by: 'ana' } })
      await until('the other follows', () => other.rollout.status().mode === 'canary')
      const late = await startNode(stage, { rollout: 'full' })
      expect(late.rollout.status()).toMatchObject({ mode: 'canary', set: { percent: 30, by: 'ana', reason: 'begin' } })
    }))

  test('warms after updates of its part of the pairs alone', () =>
    onMemory(async (stage) => {
      const node = await startNode(stage, { rollout: 'canary', rolloutPercentage: 0 })
      for (let n = 0; n < 3; n++) await round(stage, [node])
      expect(node.stats().warms.admitted).toBe(0)
      await node.rollout.set({ percent: 100 })
      await round(stage, [node])
      expect(node.stats().warms.admitted).toBeGreaterThan(PAIRS.length / 4)
    }))

  test('is not set twice from the same version: the second operator is told the winner', () =>
    onMemory(async (stage) => {
      const [one, other] = [await startNode(stage), await startNode(stage)]
      const both = await Promise.all([
        one.rollout.set({ mode: 'off' }, { by: 'ana', base: 0 }),
        other.rollout.set({ mode: 'shadow' }, { by: 'ben', base: 0 }),
      ])
      expect(both.map(({ status }) => status).toSorted()).toEqual(['lost', 'set'])
      const [winner] = both.flatMap((each) => (each.status === 'set' ? [each.rollout] : []))
      for (const node of [one, other])
        await until('both follow the winner', () => node.rollout.status().mode === winner?.mode)
    }))

  test('is refused as a whole if a field is wrong', () =>
    onMemory(async (stage) => {
      const node = await startNode(stage)
      const change = { mode: 'off', percent: 101 } as const
      expect(await node.rollout.set(change)).toMatchObject({ status: 'refused', problems: [{ field: 'percent' }] })
      expect(node.rollout.status()).toMatchObject({ mode: 'full', set: { version: 0 } })
    }))

  test('may name a chain that is not known, which is marked', () =>
    onMemory(async (stage) => {
      const node = await startNode(stage)
      await round(stage, [node])
      await node.rollout.set({ chains: ['ethereum', 'etherium'] })
      expect(node.rollout.status().unknownChains).toEqual(['etherium'])
    }))
})

describe('a kill', () => {
  test('ends all warming on every node, by hand too, until it is lifted', () =>
    onMemory(async (stage) => {
      const [one, other] = [await startNode(stage), await startNode(stage)]
      expect(await one.rollout.kill({ by: 'ana', reason: 'stale' })).toMatchObject({ status: 'set' })
      expect(one.rollout.status()).toMatchObject({ mode: 'off', offBecause: 'it is killed' })
      await until('the other follows', () => other.rollout.status().mode === 'off')
      expect(await other.warm('ethereum', ['P1'])).toMatchObject({ status: 'refused', reason: 'killed' })
      // A mode that is set meanwhile does not lift it.
      await other.rollout.set({ mode: 'full' })
      expect(other.rollout.status().mode).toBe('off')
      await one.rollout.set({ killed: false })
      await until('both warm again', () => [one, other].every((node) => node.rollout.status().mode === 'full'))
      expect(await other.warm('ethereum', ['P1'])).not.toMatchObject({ status: 'refused' })
    }))

  test('holds on its node at once, though Kafka is away', () =>
    onMemory(async (stage) => {
      const node = await startNode(stage)
      const killing = node.rollout.kill()
      expect(node.rollout.status().mode).toBe('off')
      await killing
    }))
})

test('a switch of a node wins over what operators set', () =>
  onMemory(async (stage) => {
    const node = await startNode(stage, { enabled: false })
    await node.rollout.set({ mode: 'full' })
    expect(node.rollout.status()).toMatchObject({ mode: 'off', offBecause: 'WARMING_ENABLED is off' })
  }))

test('a control record that does not parse is counted, and the rollout stays', () =>
  onMemory(async (stage) => {
    const node = await startNode(stage)
    await node.rollout.set({ mode: 'shadow' })
    const key = controlKey(stage.service, 'rollout')
    await stage.producer.sendBatch(stage.topics.control, [{ partition: 0, key, value: '{"v":1,"id":"x"}' }])
    await node.rollout.set({ controlShare: 0.1 })
    expect(node.rollout.status()).toMatchObject({ mode: 'shadow', set: { controlShare: 0.1, version: 2 } })
  }))
