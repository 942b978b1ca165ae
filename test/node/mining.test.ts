import { describe, expect, test } from '@jest/globals'
import { parseWarmRequest } from '../../schemas/warm-request.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const FILLERS = Array.from({ length: 10 }, (_, i) => `P${i}`)
const MINUTE_MS = 60_000

/** A minute of updates in which B comes 60 ms after A, once a second. */
async function follow(stage: Stage, beganMs: number): Promise<number> {
  const updates = Array.from({ length: 62 }, (_, second) => [
    updateOf('A', { eventTimeMs: beganMs + second * 1000 }),
    updateOf('B', { eventTimeMs: beganMs + second * 1000 + 60 }),
  ]).flat()
  await stage.produce(...updates)
  return updates.length
}

describe.each(['thread', 'steps'] as const)('a node that mines by %s', (mining) => {
  test('requests a pair that is read here after an update that it follows', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const reader = detector('reader', {}, async ({ pair }, prices) => {
        if (pair === 'READ') await prices.getMany('ethereum', ['B', ...FILLERS])
      })
      const node = await stage.startNode({
        detectors: [reader],
        config: { cache: { l1Slots: 4 }, node: { lookAhead: 'off' }, correlation: { mining } },
      })
      const requests = await stage.watch(stage.topics.warmRequests)
      const beganMs = Date.now() - 2 * MINUTE_MS
      await stage.produce(...[...FILLERS, 'READ'].map((pair) => updateOf(pair, { eventTimeMs: beganMs })))
      await until('B is read', () => node.stats().updates === 11)
      const updates = await follow(stage, beganMs)
      await until('all is handled', () => node.stats().updates === 11 + updates)
      // On a busy machine the reads of READ may come late enough to be requested as well.
      const asked = () =>
        requests
          .map(({ value }) => parseWarmRequest(value ?? Buffer.alloc(0)))
          .filter((parsed) => parsed.ok && parsed.value.triggerPair === 'A')
      await until('B is asked for', async () => {
        await stage.produce(updateOf('A'))
        return asked().length > 0
      })
      expect(asked()[0]).toMatchObject({
        value: {
          triggerPair: 'A',
          pairs: ['B'],
          reason: expect.stringMatching(/; updated \d+ ms after 6\d of 6\d updates/),
        },
      })
    })
  })
})

test('a node that starts again predicts what the one before has mined, before anything is read there', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const reader = detector('reader', {}, ({ pair }, prices) => void (pair === 'READ' && prices.get('ethereum', 'B')))
    const config = { correlation: { mining: 'steps' } } as const
    const first = await stage.startNode({ detectors: [reader], config })
    const beganMs = Date.now() - 2 * MINUTE_MS
    await stage.produce(updateOf('READ', { eventTimeMs: beganMs }))
    await until('B is read', () => first.stats().updates === 1)
    await follow(stage, beganMs)
    const mined = await until('it is mined that B follows A', () => first.pairsToWarm('ethereum', 'A')[0])
    await first.close()
    const second = await stage.startNode({ config })
    const known = second.pairsToWarm('ethereum', 'A')
    expect(known).toMatchObject([
      {
        pair: 'B',
        kind: 'updated',
        score: expect.closeTo(mined?.score ?? Number.NaN, 2),
        lagMs: expect.closeTo(mined?.lagMs ?? Number.NaN, 0),
      },
    ])
    expect(known[0]?.reason).toMatch(/^updated \d+ ms after 6\d of 6\d updates, [\d.]+ times as often as otherwise/)
  })
})
