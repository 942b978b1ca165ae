import { expect, test } from '@jest/globals'
import { encodeLeader, leaderKey } from '../../../schemas/correlations/leader-record.ts'
import { pairKey } from '../../../schemas/topics.ts'
import { detector } from '../../../src/detect/detector.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { metricValue } from '../../node/scrape.ts'
import { updateOf } from '../../node/stage.ts'
import { differences, known, nameOf, PAIRS, restoredCheck, siblings, teach } from '../../node/teaching.ts'

const config = { warming: { controlShare: 0 } }

test('a node that starts again predicts what the one before did, before it handles its first update', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const chains = [newChain(stage, 0), newChain(stage, 1)]
    const options = { detectors: [siblings(chains)], config }
    const first = await stage.startNode(options)
    await teach(stage, first, chains)
    const before = chains.map((chain) => known(first, chain))
    expect(before.map((edges) => edges.length)).toEqual([PAIRS * 3, PAIRS * 3])
    await first.close()
    const second = await stage.startNode(options)
    expect(second.stats().updates).toBe(0)
    // All pairs were updated in the second before: the leaders are met when that is read again.
    expect(await restoredCheck(second)).toEqual({
      status: 'ok',
      reason: expect.stringMatching(/^edges restored: 240, in \d+ ms; leaders not met here yet: 0$/),
    })
    for (const [at, chain] of chains.entries()) expect(differences(known(second, chain), before[at] ?? [])).toEqual([])
    expect(await metricValue(second, 'arbitrage_correlations_restored_total')).toBe(240)
    expect(await metricValue(second, 'arbitrage_correlations_restore_seconds')).toBeGreaterThan(0)
  })
})

test('a node of another service learns nothing from the same topic', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const first = await stage.startNode({ detectors: [siblings([chain])], config })
    await teach(stage, first, [chain])
    await first.close()
    const other = await stage.startNode({ config: { ...config, node: { service: uniqueName('other') } } })
    expect(known(other, chain)).toEqual([])
    expect(
      await metricValue(other, 'arbitrage_correlations_refused_total', { reason: 'other-service' }),
    ).toBeGreaterThanOrEqual(PAIRS)
  })
})

test('records that are corrupt, newer or of nobody are counted, and the others restored', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const key = (pair: string) => leaderKey(stage.service, { chain, pair })
    const record = encodeLeader({
      ...{ v: 1, by: 'earlier', asOfMs: 0, pairs: ['B'], lagsMs: [5], rates: [0.9] },
      ...{ follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] },
    })
    await stage.admin.createTopics([{ topic: stage.topics.correlations, partitions: 1 }])
    await stage.producer.sendBatch(
      stage.topics.correlations,
      [
        { key: key('good'), value: record },
        { key: key('cut off'), value: record.subarray(0, 40) },
        { key: key('newer'), value: Buffer.from(record.toString().replace('"v":1', '"v":2')) },
        { key: key('of the future'), value: Buffer.from(record.toString().replace('"lagsMs":[5]', '"lagsMs":"soon"')) },
        { key: 'nobody', value: record },
        { key: key('empty'), value: '' },
      ].map((each) => ({ partition: 0, ...each })),
    )
    const node = await stage.startNode({ config })
    expect(known(node, chain)).toEqual([])
    expect(node.pairsToWarm(chain, 'good')).toMatchObject([{ pair: 'B', score: expect.closeTo(0.9), lagMs: 5 }])
    const reasons = ['not-json', 'unknown-version', 'wrong-type', 'bad-key', 'empty']
    const counts = reasons.map((reason) => metricValue(node, 'arbitrage_correlations_refused_total', { reason }))
    expect(await Promise.all(counts)).toEqual([1, 1, 1, 1, 1])
    expect(await restoredCheck(node)).toMatchObject({ status: 'ok' })
  })
})

test('what was learned of a delisted pair leaves the topic', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const options = { detectors: [siblings([chain])], config }
    const first = await stage.startNode(options)
    const records = await stage.watch(stage.topics.correlations, 'earliest')
    await teach(stage, first, [chain])
    const key = leaderKey(stage.service, { chain, pair: nameOf(0) })
    const last = () => records.findLast((each) => each.key?.toString() === key)
    await until('the leader is written', () => last()?.value !== undefined)
    await stage.produceRecords({ partition: 0, key: pairKey(chain, nameOf(0)), value: null })
    await until('the leader is deleted', () => last() !== undefined && last()?.value === undefined)
    await first.close()
    expect(last()?.value).toBeUndefined()
    const second = await stage.startNode(options)
    expect((await restoredCheck(second)).reason).toMatch(/^edges restored: 117, /)
  })
})

test('updates that are read again at a start reach no detector, no count and no cache', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const handled: number[] = []
    const counting = detector('counting', {}, ({ sequence = Number.NaN }) => void handled.push(sequence))
    const first = await stage.startNode({ detectors: [counting], config })
    for (let sequence = 0; sequence < 50; sequence++) await stage.produce(updateOf('P', { chain, sequence }))
    await until('all is handled', () => handled.length === 50)
    await first.close()
    const second = await stage.startNode({ detectors: [counting], config })
    const l2Writes = await metricValue(second, 'arbitrage_l2_write_entries_total')
    expect([second.has(chain, 'P'), second.stats().updates, l2Writes]).toEqual([false, 0, 0])
    for (let sequence = 50; sequence < 60; sequence++) await stage.produce(updateOf('P', { chain, sequence }))
    await until('the rest is handled', () => handled.length >= 60)
    expect(handled).toEqual(Array.from({ length: 60 }, (_, sequence) => sequence))
    expect(second.stats().updates).toBe(10)
  })
})
