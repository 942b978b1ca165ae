import { isObject, shown } from '../../schemas/json-value.ts'
import { isOwnStrategy, OWN_STRATEGY_WORDS, type OwnStrategy } from './own-strategy.ts'

/** Why an answer of a strategy is not taken. */
export type AnswerFault =
  | 'threw'
  | 'promise'
  | 'no-selection'
  | 'no-reason'
  | 'not-a-candidate'
  | 'selected-twice'
  | 'too-many-pairs'
  | 'bad-next'

export interface RefusedAnswer {
  readonly fault: AnswerFault
  /** In words that follow the strategy's name. */
  readonly detail: string
}

/** An answer that has passed all checks. */
export interface TakenAnswer {
  readonly fault?: never
  /** Best first. */
  readonly pairs: readonly string[]
  readonly reason: string
  readonly next: OwnStrategy | undefined
}

/** What a strategy is asked, as far as its answer is held against it. */
export interface Asked {
  readonly own: OwnStrategy
  readonly isCandidate: (pair: string) => boolean
}

/** Takes or refuses what `select` returned. It may throw: what was returned may run code of its own when it is read. */
export function checkedAnswer(said: unknown, { own, isCandidate }: Asked): TakenAnswer | RefusedAnswer {
  if (isObject(said) && typeof said.then === 'function')
    return refused('promise', 'returned a promise: it is asked and answers at once')
  if (!isObject(said) || !Array.isArray(said.selected))
    return refused('no-selection', `returned ${gist(said)} instead of { selected, reason }`)
  const { selected, reason, next } = said
  if (typeof reason !== 'string') return refused('no-reason', `gave ${shown(reason)} as its reason, which is no text`)
  const { name, maxPairs = Number.POSITIVE_INFINITY } = own
  if (selected.length > maxPairs)
    return refused('too-many-pairs', `selected ${selected.length} pairs; its own maxPairs is ${maxPairs}`)
  const pairs = new Set<string>()
  for (const each of selected) {
    const pair: unknown = isObject(each) ? each.pair : each
    if (!isObject(each) || typeof pair !== 'string' || !isCandidate(pair))
      return refused('not-a-candidate', `selected ${shown(pair)}, which is not among the candidates`)
    if (pairs.has(pair)) return refused('selected-twice', `selected ${shown(pair)} twice`)
    pairs.add(pair)
  }
  if (next !== undefined && !isOwnStrategy(next))
    return refused('bad-next', `gave ${shown(next)} as next; expected ${OWN_STRATEGY_WORDS}`)
  // Names are labels of metrics: a new one at each update would be a new series each time.
  if (next !== undefined && next.name !== name)
    return refused('bad-next', `gave a next with the name ${shown(next.name)}; expected its own name`)
  return { pairs: [...pairs], reason, next }
}

function gist(said: unknown): string {
  return isObject(said) ? 'an object without a list as selected' : shown(said)
}

function refused(fault: AnswerFault, detail: string): RefusedAnswer {
  return { fault, detail }
}
