import { describe, expect, test } from '@jest/globals'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { pairShare } from '../../src/pair-hash.ts'
import { Rollout } from '../../src/rollout/rollout.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'

const FULL: RolloutValue = { mode: 'full', chains: 'all', percent: 100, controlShare: 0, killed: false }

function tableOf(pairs: number, chain = 'ethereum') {
  const table = new PairTable({ maxPairs: 10_000 })
  const ids = Array.from({ length: pairs }, (_, n) => table.register(chain, `P${n}`))
  return { table, ids }
}

describe('a canary', () => {
  test('takes its part of the pairs, and keeps each of them while the part grows', () => {
    const { table, ids } = tableOf(5_000)
    const rollout = new Rollout({ table, value: { ...FULL, mode: 'canary', percent: 10 } })
    const few = ids.filter((id) => rollout.includes(id))
    expect(few.length / ids.length).toBeCloseTo(0.1, 1)
    rollout.set({ ...FULL, mode: 'canary', percent: 30 })
    const more = ids.filter((id) => rollout.includes(id))
    expect(more.length / ids.length).toBeCloseTo(0.3, 1)
    expect(few.every((id) => more.includes(id))).toBe(true)
    rollout.set(FULL)
    expect(ids.every((id) => rollout.includes(id))).toBe(true)
    rollout.set({ ...FULL, mode: 'canary', percent: 0 })
    expect(ids.some((id) => rollout.includes(id))).toBe(false)
  })

  test('takes the same pairs on every node, whatever ids they have there', () => {
    const [one, other] = [tableOf(500), new PairTable({ maxPairs: 10_000 })]
    for (let n = 0; n < 77; n++) other.register('elsewhere', `X${n}`)
    const value: RolloutValue = { ...FULL, mode: 'canary', percent: 40 }
    const [here, there] = [new Rollout({ table: one.table, value }), new Rollout({ table: other, value })]
    for (const [n, id] of one.ids.entries())
      expect(there.includes(other.register('ethereum', `P${n}`))).toBe(here.includes(id))
  })

  test('is independent of other shares by name, such as that of the second strategy, and of the partition', () => {
    const places = Array.from({ length: 8_000 }, (_, n) => n).map((n) => ({
      rollout: pairShare('ethereum', `P${n}`, 2) < 0.5,
      other: pairShare('ethereum', `P${n}`, 0) < 0.5,
    }))
    const both = places.filter(({ rollout, other }) => rollout && other).length
    expect(both / places.length).toBeCloseTo(0.25, 1)
  })
})

describe('the chains of a rollout', () => {
  test('are those that operators named and that this node has enabled', () => {
    const table = new PairTable({ maxPairs: 100 })
    const [a, b, c] = ['a', 'b', 'c'].map((chain) => table.register(chain, 'P'))
    const rollout = new Rollout({ table, value: { ...FULL, chains: ['a', 'b'] }, localChains: ['b', 'c'] })
    expect([a, b, c].map((id) => rollout.includes(id ?? -1))).toEqual([false, true, false])
    rollout.set(FULL)
    expect([a, b, c].map((id) => rollout.includes(id ?? -1))).toEqual([false, true, true])
  })

  test('decide anew for an id that another pair got', () => {
    const forgetting: ((pairId: number) => void)[] = []
    let chain = 'a'
    const table = {
      keep: ({ forget }: { forget(pairId: number): void }) => {
        forgetting.push(forget)
        return () => undefined
      },
      chainOf: () => 0,
      chainName: () => chain,
      pairName: () => 'P',
    }
    const rollout = new Rollout({ table, value: { ...FULL, chains: ['a'] } })
    expect(rollout.includes(7)).toBe(true)
    chain = 'b'
    for (const forget of forgetting) forget(7)
    expect(rollout.includes(7)).toBe(false)
  })
})

describe('the most careful of all that is set wins', () => {
  test.each<[string, Partial<RolloutValue>, string | undefined, string]>([
    ['full where nothing is against it', {}, undefined, 'full'],
    ['canary', { mode: 'canary', percent: 5 }, undefined, 'canary'],
    ['shadow', { mode: 'shadow' }, undefined, 'shadow'],
    ['off', { mode: 'off' }, undefined, 'off'],
    ['a switch of the node over full', {}, 'WARMING_ENABLED is off', 'off'],
    ['a kill over full', { killed: true }, undefined, 'off'],
    ['a kill over shadow', { mode: 'shadow', killed: true }, undefined, 'off'],
  ])('%s', (_, change, switchedOff, mode) => {
    const { table } = tableOf(1)
    const rollout = new Rollout({ table, value: { ...FULL, ...change }, switchedOff })
    expect(rollout.mode).toBe(mode)
  })

  test('and what operators have set is off while it is not known', () => {
    const { table } = tableOf(1)
    const rollout = new Rollout({ table, value: FULL })
    rollout.withhold('not read yet')
    expect([rollout.mode, rollout.offBecause]).toEqual(['off', 'not read yet'])
    rollout.withhold(undefined)
    expect(rollout.mode).toBe('full')
  })
})

test('a kill keeps all warms out of L1, shadow those that nodes make by themselves', () => {
  const { table } = tableOf(1)
  const rollout = new Rollout({ table, value: { ...FULL, mode: 'shadow' } })
  const out = () =>
    (['look-ahead', 'correlation', 'prediction', 'manual'] as const).filter((kind) => rollout.keepsOut(kind))
  expect(out()).toEqual(['look-ahead', 'correlation', 'prediction'])
  rollout.set(FULL)
  expect(out()).toEqual([])
  rollout.set({ ...FULL, killed: true })
  expect(out()).toEqual(['look-ahead', 'correlation', 'prediction', 'manual'])
})
