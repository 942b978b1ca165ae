import fc from 'fast-check'
import type { FirstLevel } from '../../../src/cache/l1/first-level.ts'
import { Residency } from '../../../src/cache/l1/residency.ts'
import { isPriceOf, type Level, PAIRS, schedule, take } from './schedules.ts'

export const sizes = fc.record({ slots: fc.integer({ min: 1, max: 5 }), warmShare: fc.constantFrom(0, 0.3, 0.5, 1) })

/** As `expect`, but fast enough for a hundred thousand calls. */
export function holds(condition: boolean, fact: string): void {
  if (!condition) throw new Error(fact)
}

/** I1. No read gives a lower version than an earlier read, or another value than the pair has at its version. */
export function readsNeverGoBack(levelOf: (slots: number, warmShare: number) => Level) {
  return fc.property(sizes, schedule, ({ slots, warmShare }, steps) => {
    const level = levelOf(slots, warmShare)
    const seen = new Map<number, number>()
    for (const step of steps) {
      const value = take(level, step)
      if (value === undefined) continue
      holds(isPriceOf(step.pairId, value), `pair ${step.pairId} has ${JSON.stringify(value)}`)
      holds(value.version >= (seen.get(step.pairId) ?? 0), `pair ${step.pairId} went back to ${value.version}`)
      seen.set(step.pairId, value.version)
    }
  })
}

/** I3 and I10: slots, the share of warms and the counts of warms keep their bounds. */
export function boundsHold(newL1: (slots: number, warmShare: number) => FirstLevel) {
  return fc.property(sizes, schedule, ({ slots, warmShare }, steps) => {
    const l1 = newL1(slots, warmShare)
    for (const step of steps) {
      take(l1, step)
      const resident = Array.from({ length: PAIRS }, (_, pairId) => l1.has(pairId)).filter(Boolean).length
      holds(
        l1.usage.resident === resident && resident <= slots,
        `${resident} of ${slots} slots, told ${l1.usage.resident}`,
      )
      holds(l1.usage.warm <= Math.floor(slots * warmShare), `${l1.usage.warm} warms in ${slots} slots`)
      const { admitted, used, unused, dropped } = l1.usage.warmCounts
      holds(used + unused + dropped + l1.usage.warm === admitted, JSON.stringify(l1.usage.warmCounts))
    }
  })
}

/** I7. Slots and pairs point at each other, one to one. */
export function slotsAndPairsMatch() {
  return fc.property(sizes, schedule, ({ slots, warmShare }, steps) => {
    const slotOfPair = new Int32Array(PAIRS)
    const pairOfSlot = new Int32Array(slots)
    const residency = new Residency({ slots, maxPairs: PAIRS, warmShare, slotOfPair, pairOfSlot })
    for (const { type, pairId } of steps) {
      const slot = residency.slotOf(pairId)
      if (type === 'remove') residency.remove(pairId)
      else if (slot >= 0) residency.hit(slot)
      else residency.admit(pairId, type === 'promote' ? 'warm' : 'demand')
      const pairs = Array.from(slotOfPair.entries()).filter(([, held]) => held > 0)
      holds(pairs.length === residency.resident, `${pairs.length} pairs in ${residency.resident} slots`)
      holds(pairOfSlot.filter((held) => held > 0).length === pairs.length, `slots hold ${pairOfSlot}`)
      for (const [pair, held] of pairs) holds(pairOfSlot[held - 1] === pair + 1, `${pair} is not in ${held - 1}`)
    }
  })
}
