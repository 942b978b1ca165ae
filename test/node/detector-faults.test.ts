import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { header, onStage, updateOf } from './stage.ts'

const NEVER = new Promise<void>(() => undefined)
const counted = (detector: string) => ({ detector })

test('a detector that throws is counted by name, and the others still see every update', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    let handled = 0
    const detectors = [
      detector('throws', {}, () => {
        throw new Error('a bug')
      }),
      detector('rejects', {}, async () => {
        throw new Error('a bug')
      }),
      detector('counts', {}, () => void handled++),
    ]
    const node = await stage.startNode({ detectors })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('A'))
    await until('the good one has seen all', () => handled === 3)
    await until('all is committed', async () => (await stage.committed()) === 3)
    for (const name of ['throws', 'rejects'])
      expect(await metricValue(node, 'arbitrage_detector_errors_total', counted(name))).toBe(3)
    expect(await metricValue(node, 'arbitrage_detector_errors_total', counted('counts'))).toBe(0)
  })
})

test('a detector that never settles is counted after its timeout; others go on, and offsets are committed', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const handled: string[] = []
    const detectors = [
      detector('never', {}, (update) => (update.pair === 'A' ? NEVER : undefined)),
      detector('counts', {}, ({ pair }) => void handled.push(pair)),
    ]
    const node = await stage.startNode({ detectors, config: { node: { detectorTimeoutMs: 20 } } })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('A'), updateOf('B'))
    await until('all is committed', async () => (await stage.committed()) === 4)
    expect(handled.filter((pair) => pair === 'A')).toHaveLength(2)
    expect(handled.filter((pair) => pair === 'B')).toHaveLength(2)
    expect(await metricValue(node, 'arbitrage_detector_timeouts_total', counted('never'))).toBe(2)
  })
})

test('updates of one pair are handled one after the other, and other pairs do not wait for them', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const events: string[] = []
    const releases: (() => void)[] = []
    const slow = detector('slow', {}, async ({ pair, price }) => {
      events.push(`${pair}${price} begins`)
      if (pair === 'A') await new Promise<void>((resolve) => releases.push(resolve))
      events.push(`${pair}${price} ends`)
    })
    await stage.startNode({ detectors: [slow] })
    await stage.produce(updateOf('A', { price: 1 }), updateOf('A', { price: 2 }), updateOf('B', { price: 3 }))
    await until('B is through', () => events.includes('B3 ends'))
    expect(events).not.toContain('A2 begins')
    expect(await stage.committed()).toBe(0)
    releases[0]?.()
    await until('the second update of A begins', () => releases.length === 2)
    releases[1]?.()
    await until('all is committed', async () => (await stage.committed()) === 3)
    expect(events.filter((event) => event.startsWith('A'))).toEqual(['A1 begins', 'A1 ends', 'A2 begins', 'A2 ends'])
  })
})

test('handlers run for at most as many pairs at once as configured', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    let underWay = 0
    let most = 0
    const slow = detector('slow', {}, async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
    })
    await stage.startNode({ detectors: [slow], config: { node: { detectorConcurrency: 3 } } })
    await stage.produce(...Array.from({ length: 50 }, (_, i) => updateOf(`P${i}`)))
    await until('all is committed', async () => (await stage.committed()) === 50)
    expect(most).toBe(3)
  })
})

test('a detector that reads impossible pairs gets an answer, not an exception', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const answers: unknown[] = []
    const odd = detector('odd', {}, async (_, prices) => {
      answers.push(prices.get('', ''), prices.get('ethereum', 'x'.repeat(10_000)))
      answers.push(await prices.getMany('nowhere', []), await prices.getOrLoad('nowhere', '\0'))
    })
    const node = await stage.startNode({ detectors: [odd] })
    await stage.produce(updateOf('A'))
    await until('it is answered', () => answers.length === 4)
    expect(answers).toEqual(['missing', 'missing', [], 'missing'])
    expect(await metricValue(node, 'arbitrage_detector_errors_total')).toBe(0)
  })
})

/** Fails outside the detectors' own code, as a bug of ours would. */
class CursedChains extends Set<string> {
  override has(chain: string): boolean {
    if (chain === 'cursed') throw new Error('a bug of ours')
    return true
  }
}

test('a bug of ours turns one record into a dead letter, and the records around it are handled once', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const handled: string[] = []
    const fallible = { ...detector('fallible', {}, ({ pair }) => void handled.push(pair)), chains: new CursedChains() }
    await stage.startNode({ detectors: [fallible] })
    const cursed = { chain: 'cursed' }
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('X', cursed), updateOf('C'), updateOf('Y', cursed))
    const letters = await stage.deadLetters(2)
    expect(handled).toEqual(['A', 'B', 'C'])
    expect(letters.map((letter) => header(letter, 'forewarm-error-code'))).toEqual(['handler-fault', 'handler-fault'])
    expect(letters.map(({ key }) => String(key))).toEqual(['cursed\0X', 'cursed\0Y'])
    await until('all is committed', async () => (await stage.committed()) === 5)
  })
})

test('a batch that is lost because its handler hangs is counted', async () => {
  const broker = createMemoryBroker({ rebalanceTimeoutMs: 1 })
  await onStage({ broker }, async (stage) => {
    const hanging = Promise.withResolvers<void>()
    let isBegun = false
    const slow = detector('slow', {}, () => {
      isBegun = true
      return hanging.promise
    })
    const node = await stage.startNode({ detectors: [slow], config: { node: { detectorTimeoutMs: 60_000 } } })
    await stage.produce(updateOf('A'))
    await until('it is under way', () => isBegun)
    const group = `forewarm.${stage.service}`
    await broker.rebalance(group)
    expect(await metricValue(node, 'arbitrage_batches_stuck_total', { group })).toBe(1)
    hanging.resolve()
  })
})
