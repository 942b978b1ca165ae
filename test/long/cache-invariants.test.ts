import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { L1 } from '../../src/cache/l1/l1.ts'
import { virtualClock } from '../../src/clock.ts'
import { boundsHold, readsNeverGoBack, slotsAndPairsMatch } from '../cache/l1/properties.ts'
import { PAIRS } from '../cache/l1/schedules.ts'
import { newestWins, writes } from '../cache/l2/properties.ts'
import { memoryL2, run, scripts, smallL1 } from '../cache/promotion-schedules.ts'
import { mutantOf } from '../harness/mutant.ts'

const RUNS = 20_000
const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} runs the same schedules again`)
const options = { numRuns: RUNS, seed: SEED }
const newL1 = (slots: number, warmShare: number) => new L1({ slots, maxPairs: PAIRS, warmShare })

describe('in 20,000 schedules of the caches', () => {
  test('I1: no read gives a lower version than an earlier read', () => {
    fc.assert(readsNeverGoBack(newL1), options)
  }, 300_000)

  test('I3: warms never hold more than their share, and every warm is counted once', () => {
    fc.assert(boundsHold(newL1), options)
  }, 300_000)

  test('I4: at rest L2 has the newest value of a pair, and L1 has it or none', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, (script) => run(smallL1(), script)),
      options,
    )
  }, 600_000)

  test('I7: slots and pairs point at each other, one to one', () => {
    fc.assert(slotsAndPairsMatch(), options)
  }, 300_000)
})

test('I4 for L2 alone: the newest value is stored, whatever the order of the writes', async () => {
  await fc.assert(
    fc.asyncProperty(writes, (writes) => newestWins(memoryL2(), [0, 1, 2], writes)),
    options,
  )
}, 300_000)

test('I4 for L2 alone: without the version compare an older value is stored, and the writes find it', async () => {
  const mutant = mutantOf(
    new URL('../../src/cache/l2/memory.ts', import.meta.url),
    'if (floor > version) {',
    'if (floor < 0) {',
  )
  try {
    const { createMemoryL2 } = await import(mutant.url)
    const blind = () => createMemoryL2({ clock: virtualClock(1), random: () => 0.5, ttlMs: 1e9 })
    const details = await fc.check(
      fc.asyncProperty(writes, (writes) => newestWins(blind(), [0, 1, 2], writes)),
      { numRuns: 1_000, endOnFailure: true, seed: SEED },
    )
    expect(details.failed).toBe(true)
  } finally {
    mutant.remove()
  }
}, 60_000)
