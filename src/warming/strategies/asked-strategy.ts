import { shownError } from '../../../schemas/json-value.ts'
import { type Usage, warmsOf } from '../../cache/l1/usage.ts'
import { entering } from '../../marked.ts'
import { type Asked, checkedAnswer, type RefusedAnswer, type TakenAnswer } from '../../strategy/answer.ts'
import {
  type OwnStrategy,
  type StrategyCandidate,
  type StrategyContext,
  withinOwn,
} from '../../strategy/own-strategy.ts'
import {
  type Candidate,
  type CandidateKind,
  type Evidence,
  type Limits,
  priorityOf,
  type Selection,
  type Strategy,
} from '../../strategy/strategy.ts'
import { builtInOf } from './built-in.ts'

/** An answer that is not taken: nothing is warmed by it. */
export interface StrategyRefusal extends RefusedAnswer {
  readonly strategy: string
  /** What was thrown; absent if nothing was. */
  readonly error?: unknown
}

/** What a strategy is told besides the candidates, and who hears of its faults. */
export interface StrategySight {
  readonly pairName: (pairId: number) => string
  readonly usage: Pick<Usage, 'resident' | 'limit' | 'warmsByKind'>
  readonly onRefused: (refusal: StrategyRefusal) => void
}

/** Warm requests carry the reason, and may be many. */
const MAX_REASON_CHARS = 200
const NOTHING: Selection = { selected: [], reason: '' }
const NO_EVIDENCE: Evidence = { used: 0, unused: 0, hitRatio: undefined }

/**
 * A strategy of one's own, as triggers and reads ask it. Its answer is checked: a wrong one, or an exception, is told and
 * selects nothing. The limits hold, whatever it answers.
 */
export function askedStrategy(own: OwnStrategy, limits: Limits, sight: StrategySight): Strategy {
  const within = withinOwn(own, limits)
  const builtIn = builtInOf(own)
  if (builtIn !== undefined) return builtIn(within)
  const { name } = own
  // What it starts is the user's, too.
  const enter = entering({ name: `strategy ${name}`, owner: undefined })
  const ask = (context: StrategyContext) => enter((asked) => own.select(asked), context)
  return {
    name,
    select: (candidates, evidence = NO_EVIDENCE) => {
      const offered = new Map<string, Candidate>()
      for (const each of candidates) if (each.score >= within.minScore) offered.set(sight.pairName(each.pairId), each)
      if (offered.size === 0) return NOTHING
      const context = contextOf(offered, { evidence, sight, maxPairs: within.maxPairs })
      const answer = answerOf(ask, context, { own, isCandidate: (pair) => offered.has(pair) })
      if (answer.fault !== undefined) {
        sight.onRefused({ strategy: name, ...answer })
        return NOTHING
      }
      const { pairs, reason, next } = answer
      return {
        selected: pairs.slice(0, within.maxPairs).flatMap((pair) => offered.get(pair) ?? []),
        reason: reason.slice(0, MAX_REASON_CHARS),
        ...(next !== undefined && next !== own && { next: askedStrategy(next, limits, sight) }),
      }
    },
  }
}

/** Asks once. An exception is an answer that is refused. */
export function answerOf(
  ask: (context: StrategyContext) => unknown,
  context: StrategyContext,
  asked: Asked,
): TakenAnswer | (RefusedAnswer & Pick<StrategyRefusal, 'error'>) {
  try {
    const said = ask(context)
    // Nobody awaits it, so nobody else would catch what becomes of it.
    if (said instanceof Promise) said.catch(() => undefined)
    return checkedAnswer(said, asked)
  } catch (error) {
    return { fault: 'threw', detail: `threw ${shownError(error)}`, error }
  }
}

interface Known extends Pick<StrategyContext, 'maxPairs'> {
  readonly evidence: Evidence
  readonly sight: StrategySight
}

function contextOf(offered: ReadonlyMap<string, Candidate>, { evidence, sight, maxPairs }: Known): StrategyContext {
  const { usage } = sight
  const { used, unused, hitRatio, eventTimeMs = 0 } = evidence
  return {
    candidates: [...offered].map(([pair, candidate]) => outward(pair, candidate)),
    maxPairs,
    l1: { size: usage.resident, capacity: usage.limit },
    hitRatio,
    accuracyByKind: { correlation: accuracyOf(usage, 'correlation'), prediction: accuracyOf(usage, 'prediction') },
    endedWarms: { used, unused },
    eventTimeMs,
  }
}

function outward(pair: string, candidate: Candidate): StrategyCandidate {
  const { score, benefit = score, lagMs, kind = 'prediction', movedAgoMs } = candidate
  return {
    pair,
    correlationScore: score,
    priority: priorityOf(score),
    estimatedBenefit: benefit,
    lagMs,
    kind,
    movedAgoMs,
  }
}

function accuracyOf(usage: StrategySight['usage'], kind: CandidateKind): number | undefined {
  const { used, unused } = warmsOf(usage, kind)
  return used + unused === 0 ? undefined : used / (used + unused)
}
