import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { detector } from '../../../src/detect/detector.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { type Stage, updateOf } from '../../node/stage.ts'

const PAIRS = 40
const ROUNDS = 30
const nameOf = (pair: number) => `P${pair}`

/** Reads the next three pairs on an update of a pair; one of them only every other time. */
function siblings(chain: string) {
  const seen = new Map<string, number>()
  return detector('siblings', {}, (update, prices) => {
    const pair = Number(update.pair.slice(1))
    const count = (seen.get(update.pair) ?? 0) + 1
    seen.set(update.pair, count)
    for (const next of count % 2 === 0 ? [1, 2] : [1, 2, 3]) prices.get(chain, nameOf((pair + next) % PAIRS))
  })
}

async function teach(stage: Stage, node: ForewarmNode, chain: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round++)
    await stage.produce(...Array.from({ length: PAIRS }, (_, pair) => updateOf(nameOf(pair), { chain })))
  await until('all is handled', () => node.stats().updates === PAIRS * ROUNDS && node.stats().lagRecords === 0)
}

function known(node: ForewarmNode, chain: string) {
  return Array.from({ length: PAIRS }, (_, pair) =>
    node
      .pairsToWarm(chain, nameOf(pair))
      .map(({ pair: follower, kind, score }) => ({ follower, kind, score }))
      .sort((a, b) => (a.follower < b.follower ? -1 : 1)),
  )
}

test('a node that starts again predicts what the one before did, before it handles its first update', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const chain = newChain(stage)
    const options = { detectors: [siblings(chain)], config: { warming: { controlShare: 0 } } }
    const first = await stage.startNode(options)
    await teach(stage, first, chain)
    const before = known(first, chain)
    expect(before.every((edges) => edges.length === 3)).toBe(true)
    await first.close()
    const second = await stage.startNode(options)
    expect(second.stats().updates).toBe(0)
    const after = known(second, chain)
    expect(after.map((edges) => edges.map(({ follower, kind }) => [follower, kind]))).toEqual(
      before.map((edges) => edges.map(({ follower, kind }) => [follower, kind])),
    )
    const scores = (edges: typeof after) => edges.flat().map(({ score }) => score)
    const worst = Math.max(...scores(after).map((score, at) => Math.abs(score - (scores(before)[at] ?? 0))))
    expect(worst).toBeLessThan(0.01)
  })
})
