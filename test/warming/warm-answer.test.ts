import { describe, expect, it } from '@jest/globals'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmOutcome } from '../../schemas/warm-result.ts'
import { answer, isAutomatic, refusalAnswer } from '../../src/warming/warm-answer.ts'

const REQUEST: WarmRequest = {
  v: 1,
  requestId: 'r',
  chain: 'ethereum',
  pairs: ['a', 'b', 'c'],
  origin: 'correlation',
  priority: 'high',
  issuedAtMs: 1,
}
const FACTS = { node: 'n', timedOut: false, isShadow: false, durationMs: 2, atMs: 3 }
const statusOf = (outcomes: WarmOutcome[], timedOut = false) => answer(REQUEST, outcomes, { ...FACTS, timedOut }).status

it('is by itself that a node makes requests of correlations, predictions and schedules: in shadow they warm nothing', () => {
  const origins = ['correlation', 'manual', 'schedule', 'prediction', 'recommendation', 'replay'] as const
  expect(origins.filter((origin) => isAutomatic({ origin }))).toEqual(['correlation', 'schedule', 'prediction'])
})

describe('the answer to a warm request', () => {
  it('is done if every pair that concerns the node is in L1', () => {
    expect(statusOf(['warmed', 'alreadyInL1', 'notInterested'])).toBe('done')
  })

  it('is partial if such a pair is missing', () => {
    for (const missing of ['notFound', 'refusedOlder', 'noRoom', 'failed'] as const)
      expect(statusOf(['warmed', missing, 'warmed'])).toBe('partial')
    expect(statusOf(['notFound', 'notFound', 'notFound'])).toBe('partial')
  })

  it('is failed if L2 could not be asked and nothing is in L1', () => {
    expect(statusOf(['failed', 'failed', 'notInterested'])).toBe('failed')
  })

  it('is a timeout if the deadline left a pair out, and done if it did not', () => {
    expect(statusOf(['warmed', 'failed', 'warmed'], true)).toBe('timeout')
    expect(statusOf(['warmed', 'warmed', 'warmed'], true)).toBe('done')
  })

  it('counts outcomes, and names them by pair for manual requests and dry runs', () => {
    const outcomes: WarmOutcome[] = ['warmed', 'notFound', 'refusedOlder']
    const plain = answer(REQUEST, outcomes, FACTS)
    expect(plain).toEqual({
      ...{ v: 1, requestId: 'r', node: 'n', status: 'partial', durationMs: 2, atMs: 3 },
      ...{ warmed: 1, alreadyInL1: 0, notFound: 1, refusedOlder: 1, notInterested: 0 },
    })
    const named = { a: 'warmed', b: 'notFound', c: 'refusedOlder' }
    expect(answer({ ...REQUEST, origin: 'manual' }, outcomes, FACTS)).toEqual({ ...plain, outcomes: named })
    expect(answer({ ...REQUEST, dryRun: true }, outcomes, FACTS)).toEqual({
      ...plain,
      status: 'shadow',
      outcomes: named,
    })
  })

  it('has the reason and all counts at zero if the request is refused', () => {
    expect(refusalAnswer(REQUEST, { node: 'n', reason: 'killed', atMs: 3 })).toEqual({
      ...{ v: 1, requestId: 'r', node: 'n', status: 'refused', reason: 'killed', durationMs: 0, atMs: 3 },
      ...{ warmed: 0, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 },
    })
  })
})
