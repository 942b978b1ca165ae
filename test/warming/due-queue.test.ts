import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Due, DueQueue } from '../../src/warming/due-queue.ts'

const item = (dueMs: number): Due => ({ dueMs, heapIndex: -1 })

describe('the due queue', () => {
  it('gives its members by due time, even if some were removed early', () => {
    // With this many members, removing one from the middle moves a member of another branch there, which must rise.
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ add: fc.nat(50) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
      { weight: 1, arbitrary: fc.constant('pop' as const) },
    )
    const steps = fc.array(step, { maxLength: 100, size: 'max' })
    fc.assert(
      fc.property(steps, (script) => {
        const queue = new DueQueue<Due>()
        const model: Due[] = []
        for (const step of script) {
          if (step === 'pop') {
            const first = queue.peek()
            expect(first?.dueMs).toBe(model.length === 0 ? undefined : Math.min(...model.map(({ dueMs }) => dueMs)))
            if (first === undefined) continue
            queue.remove(first)
            model.splice(model.indexOf(first), 1)
          } else if ('add' in step) {
            const added = item(step.add)
            queue.push(added)
            model.push(added)
          } else if (model.length > 0) {
            const [leaver] = model.splice(step.remove % model.length, 1)
            if (leaver !== undefined) queue.remove(leaver)
          }
          expect(queue.size).toBe(model.length)
          expect(model.every((member) => member.heapIndex >= 0)).toBe(true)
        }
        const rest: number[] = []
        for (let first = queue.peek(); first !== undefined; first = queue.peek()) {
          rest.push(first.dueMs)
          queue.remove(first)
        }
        expect(rest).toEqual(model.map(({ dueMs }) => dueMs).toSorted((a, b) => a - b))
      }),
    )
  })
})
