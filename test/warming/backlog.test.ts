import { describe, expect, it } from '@jest/globals'
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import fc from 'fast-check'
import { PRIORITIES, type Priority } from '../../schemas/warm-request.ts'
import { Backlog } from '../../src/warming/backlog.ts'
import type { WarmJob } from '../../src/warming/warm-job.ts'

const SPAN = trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 })
let made = 0

function job(priority: Priority, { pairs = 1, dueMs = 0, dryRun = false } = {}): WarmJob {
  const requestId = `${priority}-${++made}`
  const names = Array.from({ length: pairs }, (_, i) => `p${i}`)
  return {
    request: { v: 1, requestId, chain: 'c', pairs: names, origin: 'manual', priority, issuedAtMs: 0, dryRun },
    pairIds: names.map((_, i) => i),
    rank: PRIORITIES.indexOf(priority),
    dueMs,
    heapIndex: -1,
    span: SPAN,
    trace: ROOT_CONTEXT,
    startedAtMs: 0,
    lateMs: 0,
    settle: () => undefined,
    fail: () => undefined,
  }
}

describe('the backlog', () => {
  it('gives the highest priority first, and the oldest request within a priority', () => {
    const backlog = new Backlog<WarmJob>(100)
    const [low, high, critical, low2, medium] = (['low', 'high', 'critical', 'low', 'medium'] as const).map((p) =>
      job(p),
    )
    for (const one of [low, high, critical, low2, medium]) backlog.add(one as WarmJob, 0)
    expect(backlog.take(100)).toEqual([critical, high, medium, low, low2])
    expect([backlog.requests, backlog.pairs]).toEqual([0, 0])
  })

  it('gives at least one request, and about as many pairs as asked for', () => {
    const backlog = new Backlog<WarmJob>(1_000)
    const [big, small, small2] = [job('high', { pairs: 500 }), job('high', { pairs: 6 }), job('high', { pairs: 6 })]
    for (const one of [big, small, small2]) backlog.add(one, 0)
    expect(backlog.take(10)).toEqual([big])
    expect(backlog.take(10)).toEqual([small])
    expect(backlog.take(10)).toEqual([small2])
  })

  it('does not give dry runs together with other requests', () => {
    const backlog = new Backlog<WarmJob>(100)
    const [real, dry, real2] = [job('high'), job('high', { dryRun: true }), job('high')]
    for (const one of [real, dry, real2]) backlog.add(one, 0)
    expect([backlog.take(100), backlog.take(100), backlog.take(100)]).toEqual([[real], [dry], [real2]])
  })

  it('sheds the oldest request of the lowest priority for a higher one, held or not', () => {
    const backlog = new Backlog<WarmJob>(3)
    const [low, heldLow, medium] = [job('low'), job('low', { dueMs: 50 }), job('medium')]
    for (const one of [low, heldLow, medium]) expect(backlog.add(one, 0)).toEqual([])
    expect(backlog.add(job('high'), 0)).toEqual([low])
    expect(backlog.add(job('high'), 0)).toEqual([heldLow])
    expect(backlog.nextDueMs).toBeUndefined()
    expect(backlog.add(job('high'), 0)).toEqual([medium])
    const late = job('high')
    expect(backlog.add(late, 0)).toEqual([late])
    expect(backlog.pairs).toBe(3)
  })

  it('sheds no other request for one that would not fit even then', () => {
    const backlog = new Backlog<WarmJob>(3)
    for (const one of [job('low'), job('high', { pairs: 2 })]) backlog.add(one, 0)
    const large = job('medium', { pairs: 2 })
    expect(backlog.add(large, 0)).toEqual([large])
    expect(backlog.requests).toBe(2)
  })

  it('never sheds a critical request: it exceeds its bound and says so', () => {
    const backlog = new Backlog<WarmJob>(2)
    const criticals = Array.from({ length: 5 }, () => job('critical'))
    for (const one of criticals) expect(backlog.add(one, 0)).toEqual([])
    expect(backlog.overfull).toBe(true)
    expect(backlog.take(100)).toEqual(criticals)
    expect(backlog.overfull).toBe(false)
  })

  it('holds a request until it is due', () => {
    const backlog = new Backlog<WarmJob>(100)
    const [at30, at10, now] = [job('critical', { dueMs: 30 }), job('low', { dueMs: 10 }), job('low')]
    for (const one of [at30, at10, now]) backlog.add(one, 0)
    expect(backlog.take(100)).toEqual([now])
    expect([backlog.held, backlog.nextDueMs]).toEqual([2, 10])
    expect(backlog.release(9)).toEqual([])
    expect(backlog.release(10)).toEqual([at10])
    expect(backlog.take(100)).toEqual([at10])
    expect(backlog.release(1_000)).toEqual([at30])
    expect(backlog.take(100)).toEqual([at30])
  })

  it('keeps within its bound and loses no request, whatever comes', () => {
    const step = fc.oneof(
      fc.record({
        priority: fc.constantFrom(...PRIORITIES),
        pairs: fc.integer({ min: 1, max: 20 }),
        dueMs: fc.nat(100),
      }),
      fc.record({ take: fc.nat(50) }),
      fc.record({ now: fc.nat(100) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (script) => {
        const backlog = new Backlog<WarmJob>(50)
        const [all, left] = [new Set<WarmJob>(), new Set<WarmJob>()]
        let nowMs = 0
        const leave = (jobs: readonly WarmJob[]) => {
          for (const one of jobs) {
            expect(left.has(one)).toBe(false)
            left.add(one)
          }
        }
        for (const each of script) {
          if ('take' in each) leave(backlog.take(each.take))
          else if ('now' in each) {
            nowMs = Math.max(nowMs, each.now)
            backlog.release(nowMs)
          } else {
            const added = job(each.priority, each)
            all.add(added)
            const shed = backlog.add(added, nowMs)
            expect(shed.some(({ rank }) => rank === 0)).toBe(false)
            leave(shed)
          }
          const waiting = [...all].filter((one) => !left.has(one))
          expect(backlog.requests).toBe(waiting.length)
          expect(backlog.pairs).toBe(waiting.reduce((sum, one) => sum + one.pairIds.length, 0))
          expect(backlog.overfull && waiting.some(({ rank }) => rank > 0)).toBe(false)
        }
        leave(backlog.drain())
        expect(left.size).toBe(all.size)
      }),
    )
  })
})
