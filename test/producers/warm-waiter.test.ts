import { expect, test } from '@jest/globals'
import { type WarmReceipt, WarmWaiter } from '../../producers/warm-waiter.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { makeTaskId } from '../../src/tasks/task-id.ts'

const T0 = 1_783_715_268_000

test('a wait for all nodes ends with its task, though the clock says that its timer rang a moment too soon', () => {
  let nowMs = T0
  const ring: (() => void)[] = []
  const receipts: WarmReceipt[] = []
  const { taskId: requestId } = makeTaskId(T0)
  const request: WarmRequest = {
    ...{ v: 1, requestId, chain: 'ethereum', pairs: ['A'], origin: 'manual', priority: 'high', issuedAtMs: T0 },
  }
  const waiter = new WarmWaiter({
    ...{ request, waitFor: 'all', waitMs: 5_000, clock: { now: () => nowMs } },
    timer: (_, run) => {
      ring.push(run)
      return () => undefined
    },
    onEnd: (receipt) => receipts.push(receipt),
  })
  const counts = { warmed: 1, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
  const result: WarmResult = { v: 1, requestId, node: 'n', status: 'done', ...counts, durationMs: 1, atMs: nowMs }
  waiter.take(result)
  nowMs += 499
  ring.at(-1)?.()
  expect(receipts).toMatchObject([{ status: 'over', task: { state: 'done', warmed: 1 } }])
})
