import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Due, DueQueue } from '../../src/warming/due-queue.ts'

const item = (dueMs: number): Due => ({ dueMs, heapIndex: -1 })

describe('due queue', () => {
  it('gives its members by due time, also when some left early', () => {
    const steps = fc.array(
      fc.oneof(fc.record({ add: fc.nat(50) }), fc.record({ remove: fc.nat() }), fc.constant('pop' as const)),
    )
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
      }),
    )
  })
})
