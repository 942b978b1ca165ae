import { describe, expect, test } from '@jest/globals'
import { updateColumns } from '../../../schemas/update-columns.ts'
import type { WarmRequest } from '../../../schemas/warm-request.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { CELLS, cellOfCode, GROUPS, indexOfWarmKind, kindOfCode } from '../../../src/cache/l1/usage.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Tracker } from '../../../src/correlation/tracker.ts'
import { topN } from '../../../src/strategy/strategy.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { Arms, isArmB } from '../../../src/warming/arms/arms.ts'
import { LookAhead } from '../../../src/warming/look-ahead.ts'
import { Triggers } from '../../../src/warming/triggers.ts'
import { request, WarmerUnderTest } from '../warmer-under-test.ts'

const PAIRS = 200

/** A trigger of each arm, and two pairs that their handlers read so often and so late. */
function staged({ lagMs, times }: { readonly lagMs: number; readonly times: number }) {
  const table = new PairTable({ maxPairs: PAIRS })
  const tracker = new Tracker({ maxPairs: PAIRS })
  const arms = new Arms(table, 0.5)
  const l1 = new L1({ slots: 100, maxPairs: PAIRS, warmShare: 0.3 })
  const ids = Array.from({ length: PAIRS / 2 }, (_, n) => table.register('ethereum', `T${n}`))
  const triggerOf = (inB: boolean) => ids.find((id) => isArmB(arms.cellOf(id)) === inB) ?? -1
  const [a, b] = [triggerOf(false), triggerOf(true)]
  const reads = ['X', 'Y'].map((pair) => table.register('ethereum', pair))
  for (const trigger of [a, b])
    for (let i = 0; i < times; i++) {
      const edges = reads.map((read) => tracker.read(trigger, read, lagMs))
      tracker.settle(
        trigger,
        edges.reduce((bits, edge) => bits | (1 << edge), 0),
      )
    }
  return { table, tracker, arms, l1, a, b, reads }
}

describe('the strategy of a trigger’s arm', () => {
  test('chooses what is requested, and names itself in the request', () => {
    const { a, b, ...parts } = staged({ lagMs: 100, times: 20 })
    const published: WarmRequest[] = []
    const made = () =>
      new Triggers({
        ...{ ...parts, clock: { now: () => 0 }, nodeId: 'node-1' },
        strategy: topN({ maxPairs: 2, minScore: 0 }, 'two'),
        strategyB: topN({ maxPairs: 1, minScore: 0 }, 'one'),
        publish: (each) => published.push(each),
      })
    // Triggers of their own, because pairs that are requested already are not requested again.
    for (const trigger of [a, b]) made().onUpdate(trigger, 0)
    expect(published.map(({ strategy, pairs }) => [strategy, pairs.length])).toEqual([
      ['two', 2],
      ['one', 1],
    ])
  })

  test('says from which rate on its look-ahead prefetches, and its warms are counted in its cell', async () => {
    const { a, b, arms, reads, ...parts } = staged({ lagMs: 0, times: 20 })
    const asked: (readonly number[])[] = []
    const lookAhead = new LookAhead({
      ...{ ...parts, arms, metrics: createMetrics(), mode: 'await', timeoutMs: 1, takesMs: () => 1 },
      ...{ minRate: 0.2, minRateB: 1 },
      promote: async (pairIds) => asked.push(pairIds),
    })
    const windowOf = async (trigger: number) => {
      const columns = updateColumns(1)
      columns.pairIds[0] = trigger
      columns.count = 1
      lookAhead.restart()
      await lookAhead.before(0, columns)
    }
    await windowOf(b)
    expect(asked).toEqual([])
    await windowOf(a)
    expect(asked).toEqual([reads])
    expect(reads.map((read) => arms.wantedBy(read))).toEqual(reads.map(() => arms.cellOf(a)))
  })
})

test('the warms of a request belong to the cell of its trigger, also if another node has made it', async () => {
  const on = new WarmerUnderTest()
  const arms = new Arms(on.table, 0.5)
  const warmer = on.open({ arms })
  const triggers = Array.from({ length: 20 }, (_, n) => `T${n}`)
  const requests = triggers.map((triggerPair, n) => request({ triggerPair, pairs: [`p${n}`] }))
  await Promise.all([...requests, request({ origin: 'manual', pairs: ['m'] })].map((each) => warmer.submit(each)))
  const codeOf = (pair: string) => on.promotions.asked[0]?.options.kindIndexOf?.(on.id(pair)) ?? -1
  const cells = requests.map((_, n) => cellOfCode(codeOf(`p${n}`)) ?? Number.NaN)
  expect(cells).toEqual(triggers.map((trigger) => arms.cellOfNames('ethereum', trigger)))
  expect([cells.some((cell) => cell < GROUPS), cells.some((cell) => cell >= GROUPS && cell < CELLS)]).toEqual([
    true,
    true,
  ])
  expect(requests.every((_, n) => kindOfCode(codeOf(`p${n}`)) === indexOfWarmKind('correlation'))).toBe(true)
  expect(codeOf('m')).toBe(indexOfWarmKind('manual'))
  await warmer.close()
  await on.close()
})
