import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { detector } from '../../../src/detect/detector.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { updateOf } from '../../node/stage.ts'
import { differences, known, nameOf, PAIRS, siblings, teach } from '../../node/teaching.ts'

const config = { warming: { controlShare: 0 } }
const ROUNDS = 20

async function isReady(node: ForewarmNode): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${node.httpPort}/readyz`)).ok
}

test('partitions that move take what was learned along, to the new node and back', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const chains = [newChain(stage, 0), newChain(stage, 1)]
    const first = await stage.startNode({ detectors: [siblings(chains)], config })
    await teach(stage, first, chains)
    const before = chains.map((chain) => known(first, chain))
    const reading = detector('other', {}, ({ chain }, prices) => void prices.get(chain, 'read by the second alone'))
    const second = await stage.startNode({ detectors: [siblings(chains), reading], config })
    await until('both are ready', async () => (await isReady(first)) && (await isReady(second)))
    // It has handled nothing yet, and has got one of the partitions.
    expect(second.stats().updates).toBe(0)
    for (const [at, chain] of chains.entries()) expect(differences(known(second, chain), before[at] ?? [])).toEqual([])
    const handled = () => first.stats().updates + second.stats().updates
    const sent = handled() + ROUNDS * chains.length * PAIRS
    for (let round = 0; round < ROUNDS; round++)
      for (const chain of chains)
        await stage.produce(...Array.from({ length: PAIRS }, (_, pair) => updateOf(nameOf(pair), { chain })))
    await until('each has handled its share', () => handled() === sent)
    expect(second.stats().updates).toBe(ROUNDS * PAIRS)
    const hasNew = (node: ForewarmNode, chain: string) =>
      known(node, chain).filter(({ follows }) => follows === 'read by the second alone').length
    const moved = chains.find((chain) => hasNew(second, chain) > 0) ?? ''
    expect([hasNew(second, moved), hasNew(first, moved)]).toEqual([PAIRS, 0])
    const learned = known(second, moved)
    await second.close()
    await until('the first knows what the second has learned', () => hasNew(first, moved) === PAIRS)
    expect(differences(known(first, moved), learned)).toEqual([])
  })
})
