import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmOutcome, WarmResult, WarmStatus } from '../../schemas/warm-result.ts'

export interface AnswerFacts {
  readonly node: string
  readonly timedOut: boolean
  readonly durationMs: number
  readonly atMs: number
  /** The warm was not carried out, as warming is in shadow. */
  readonly isShadow: boolean
}

/** Whether a node has made the request by itself, or by a schedule: the rollout governs those. */
export function isAutomatic({ origin }: Pick<WarmRequest, 'origin'>): boolean {
  return origin === 'correlation' || origin === 'prediction' || origin === 'schedule'
}

/**
 * The result that a node reports. In a dry run (`shadow`) the counts say what would have happened. Only manual requests
 * and dry runs get the outcome of each pair; nodes make requests by the thousand, and nobody reads the results of
 * these.
 */
export function answer(request: WarmRequest, outcomes: readonly WarmOutcome[], facts: AnswerFacts): WarmResult {
  const count = (wanted: WarmOutcome) => outcomes.filter((outcome) => outcome === wanted).length
  const isShadow = request.dryRun === true || facts.isShadow === true
  const detailed = request.origin === 'manual' || (request.dryRun === true && !facts.isShadow)
  return {
    v: 1,
    requestId: request.requestId,
    ...(request.service !== undefined && { service: request.service }),
    node: facts.node,
    status: isShadow ? 'shadow' : statusOf(outcomes, facts.timedOut),
    warmed: count('warmed'),
    alreadyInL1: count('alreadyInL1'),
    notFound: count('notFound'),
    refusedOlder: count('refusedOlder'),
    notInterested: count('notInterested'),
    ...(detailed && {
      outcomes: Object.fromEntries(outcomes.map((outcome, at) => [request.pairs[at] ?? '', outcome])),
    }),
    durationMs: facts.durationMs,
    atMs: facts.atMs,
  }
}

export function refusalAnswer(
  request: WarmRequest,
  facts: Pick<AnswerFacts, 'node' | 'atMs'> & Required<Pick<WarmResult, 'reason'>>,
): WarmResult {
  const counts = { warmed: 0, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
  const service = request.service !== undefined && { service: request.service }
  return { v: 1, requestId: request.requestId, ...service, status: 'refused', ...counts, ...facts, durationMs: 0 }
}

/** `done`: every pair that concerns this node is in L1. A pair that the deadline cut off makes a `timeout`. */
function statusOf(outcomes: readonly WarmOutcome[], timedOut: boolean): WarmStatus {
  const wanted = outcomes.filter((outcome) => outcome !== 'notInterested')
  const inL1 = wanted.filter((outcome) => outcome === 'warmed' || outcome === 'alreadyInL1').length
  if (wanted.includes('failed')) {
    if (timedOut) return 'timeout'
    return inL1 > 0 ? 'partial' : 'failed'
  }
  return inL1 === wanted.length ? 'done' : 'partial'
}
