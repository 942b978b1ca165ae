import { type Check, integer } from '../src/config/check.ts'
import { assertOptions, type OptionsOf } from '../src/config/options.ts'
import { mulberry32 } from '../src/simulate/mulberry32.ts'
import type { RefusedAnswer, TakenAnswer } from '../src/strategy/answer.ts'
import {
  isOwnStrategy,
  limitsOfOwn,
  OWN_STRATEGY_WORDS,
  type OwnStrategy,
  type StrategyCandidate,
  type StrategyContext,
} from '../src/strategy/own-strategy.ts'
import { type Limits, priorityOf } from '../src/strategy/strategy.ts'
import { answerOf } from '../src/warming/strategies/asked-strategy.ts'

/** How a strategy is tried. */
export interface StrategyTrial {
  /** A whole number below 2³², from which the contexts are made. Another one each time unless given; the sentences name it. */
  readonly seed?: number
  /** The number of contexts, 1 to 100,000. Default: 240. */
  readonly contexts?: number
}

const TRIAL: OptionsOf<StrategyTrial> = { seed: numberIn(0, 2 ** 32 - 1), contexts: numberIn(1, 100_000) }

/** A whole number of the caller's own, without the texts that the environment has. */
function numberIn(min: number, max: number): Check<number> {
  const { allowed, parse } = integer(min, max)
  return { allowed, parse: (input) => (typeof input === 'number' ? parse(input, () => undefined) : undefined) }
}

/**
 * Tries a strategy on generated contexts: without candidates, with one, with many, with equal scores and with extreme
 * numbers. Each is frozen, and asked about twice. Returns a sentence for each kind of fault; none for a sound strategy. It
 * does not tell whether the choice is a good one.
 */
export function strategyFaults(strategy: OwnStrategy, trial: StrategyTrial = {}): readonly string[] {
  assertOptions('strategyFaults', trial, TRIAL)
  const { seed = Math.floor(Math.random() * 2 ** 31), contexts = 240 } = trial
  if (!isOwnStrategy(strategy)) return [`expected ${OWN_STRATEGY_WORDS}`]
  const sentences = new Map<string, string>()
  const tell = (fault: string, detail: string, { at, context }: Pick<Tried, 'at' | 'context'>) => {
    const where = `seed ${seed}, context ${at}, with ${context.candidates.length} candidates`
    if (!sentences.has(fault)) sentences.set(fault, `${strategy.name} ${detail} (${where})`)
  }
  const tried: Tried[] = []
  let asked: OwnStrategy = strategy
  for (const [at, context] of contextsOf(limitsOfOwn(strategy), seed, contexts).entries()) {
    const answer = answerTo(context, asked)
    if (answer.fault !== undefined) tell(answer.fault, answer.detail, { at, context })
    else if (answer.pairs.length > 0 && answer.reason === '') tell('no-reason', 'gave no reason', { at, context })
    tried.push({ at, context, asked, answer })
    asked = answer.next ?? asked
  }
  // Backwards, so that what a strategy has kept to itself is not the same again.
  for (const each of tried.reverse()) {
    const detail = differenceOf(each.answer, answerTo(each.context, each.asked))
    if (detail !== undefined) tell('impure', detail, each)
  }
  return [...sentences.values()]
}

/** Expects a strategy without faults. Throws an error with the sentences of `strategyFaults`. */
export function expectStrategy(strategy: OwnStrategy, trial: StrategyTrial = {}): void {
  const faults = strategyFaults(strategy, trial)
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

type Answer = TakenAnswer | (Omit<RefusedAnswer, 'fault'> & { readonly fault: string; readonly next?: undefined })

/** A strategy, what it was asked and what it answered. */
interface Tried {
  readonly at: number
  readonly context: StrategyContext
  readonly asked: OwnStrategy
  readonly answer: Answer
}

function answerTo(context: StrategyContext, own: OwnStrategy): Answer {
  const isCandidate = (pair: string) => context.candidates.some((each) => each.pair === pair)
  const about = (given: StrategyContext) => answerOf((asked) => own.select(asked), given, { own, isCandidate })
  const answer = about(frozen(structuredClone(context)))
  if (answer.fault !== 'threw') return answer
  const loose = structuredClone(context)
  about(loose)
  const isChanged = JSON.stringify(loose) !== JSON.stringify(context)
  return isChanged ? { fault: 'changes', detail: 'changes the context that it is given' } : answer
}

/** In words that follow the strategy's name; undefined if both answers are the same. */
function differenceOf(first: Answer, second: Answer): string | undefined {
  if (first.fault !== undefined || second.fault !== undefined)
    return first.fault === second.fault ? undefined : 'once answers and once fails, for the same context'
  const [before, after] = [first, second].map(({ pairs }) => pairs.join(', ') || 'nothing')
  if (before !== after) return `selects ${before} and then ${after}, for the same context`
  return first.reason === second.reason ? undefined : 'gives two reasons for the same context'
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

const SHAPES = ['none', 'one', 'few', 'many', 'equal', 'extreme'] as const
type Shape = (typeof SHAPES)[number]
const START_MS = 1_780_000_000_000

/** Contexts as a node makes them, one second apart. */
function contextsOf(limits: Limits, seed: number, count: number): readonly StrategyContext[] {
  const random = mulberry32(seed)
  let [used, unused] = [0, 0]
  return Array.from({ length: count }, (_, at) => {
    const shape = SHAPES[at % SHAPES.length] ?? 'few'
    const isExtreme = shape === 'extreme'
    used += Math.floor(random() * 60)
    unused += Math.floor(random() * 60)
    const capacity = isExtreme ? oneOf([0, 1, 2 ** 31], random) : 1_000
    const share = () => (isExtreme ? oneOf([0, 1, undefined], random) : random())
    return {
      candidates: candidatesOf(shape, limits, random),
      maxPairs: oneOf([limits.maxPairs, limits.maxPairs, 1], random),
      l1: { size: Math.floor(capacity * oneOf([1, random()], random)), capacity },
      hitRatio: share(),
      accuracyByKind: { correlation: share(), prediction: share() },
      endedWarms: { used, unused },
      eventTimeMs: START_MS + at * 1_000,
    }
  })
}

const COUNTS: Readonly<Record<Shape, readonly number[]>> = {
  ...{ none: [0], one: [1], few: [2, 3, 5, 8] },
  ...{ many: [24, 200], equal: [3, 12], extreme: [1, 4, 24] },
}

/** No candidate has a lower score than the strategy says that it takes. */
function candidatesOf(shape: Shape, { minScore }: Limits, random: () => number): readonly StrategyCandidate[] {
  const between = (part: number) => minScore + (1 - minScore) * part
  const same = between(random())
  const scoreOf = (): number => {
    if (shape === 'equal') return same
    return shape === 'extreme' ? oneOf([minScore, 1, between(Number.EPSILON)], random) : between(random())
  }
  return Array.from({ length: oneOf(COUNTS[shape], random) }, (_, at) => {
    const score = scoreOf()
    return {
      // Pairs may have the names that objects have for themselves.
      pair:
        shape === 'extreme' && at === 0 ? oneOf(['__proto__', 'constructor', '日本/円', ' '], random) : `P${at}/USDC`,
      correlationScore: score,
      priority: priorityOf(score),
      estimatedBenefit:
        shape === 'extreme' ? oneOf([0, score, Number.MIN_VALUE], random) : score * oneOf([1, 0.9], random),
      lagMs: shape === 'extreme' ? oneOf([0, 1_000, Number.EPSILON], random) : random() * 1_000,
      kind: oneOf(['correlation', 'prediction'] as const, random),
      movedAgoMs: oneOf([undefined, 0, 60_000 * random(), START_MS], random),
    }
  })
}

function oneOf<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T
}
