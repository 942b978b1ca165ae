import { ROLLOUT_MODES, type RolloutMode } from '../../schemas/control/rollout-modes.ts'
import { shown } from '../../schemas/json-value.ts'
import { MAX_CHAIN_BYTES } from '../../schemas/topics.ts'
import { nearest } from '../nearest.ts'

/** What operators set of the rollout. */
export interface RolloutValue {
  readonly mode: RolloutMode
  /** The chains whose updates warm. */
  readonly chains: 'all' | readonly string[]
  /** In canary: how many of a hundred pairs warm what follows their updates. */
  readonly percent: number
  /** The share of the updates for which nothing is warmed, 0 to 0.5, so that the effect can be measured. */
  readonly controlShare: number
  /** Nothing is warmed, whatever the mode says, until an operator lifts it. */
  readonly killed: boolean
}

/** A change of some of it. */
export type RolloutChange = Partial<RolloutValue>

/** Why a field is not allowed, in one sentence. */
export interface RolloutProblem {
  readonly field: string
  readonly detail: string
}

export const MAX_CHAINS = 1_000
const MAX_CONTROL_SHARE = 0.5
const FIELDS: readonly (keyof RolloutValue)[] = ['mode', 'chains', 'percent', 'controlShare', 'killed']

/**
 * Checks a change of `before`. Returns the whole value, or what is wrong with each field. In full, all pairs warm: a percent
 * that was set for a canary is over.
 */
export function changedRollout(
  before: RolloutValue,
  change: Readonly<Record<string, unknown>>,
): { readonly value: RolloutValue } | { readonly problems: readonly RolloutProblem[] } {
  const problems = Object.entries(change).flatMap(([field, value]) => problemOf(field, value) ?? [])
  if (problems.length > 0) return { problems }
  const value: RolloutValue = { ...before, ...change }
  if (value.mode !== 'full' || value.percent === 100) return { value }
  if (change.percent === undefined) return { value: { ...value, percent: 100 } }
  const detail = `full warms after the updates of all pairs: for ${value.percent} percent of them set the mode canary`
  return { problems: [{ field: 'percent', detail }] }
}

/** As `changedRollout`, for a value that has to be whole: that of a control record. */
export function wholeRollout(value: Readonly<Record<string, unknown>>): RolloutValue | string {
  const missing = FIELDS.find((field) => value[field] === undefined)
  if (missing !== undefined) return `${missing} is missing`
  const known = Object.fromEntries(FIELDS.map((field) => [field, value[field]]))
  const changed = changedRollout({ mode: 'off', chains: 'all', percent: 100, controlShare: 0, killed: false }, known)
  return 'value' in changed ? changed.value : (changed.problems[0]?.detail ?? '')
}

function problemOf(field: string, value: unknown): RolloutProblem | undefined {
  const wrong = (allowed: string) => ({ field, detail: `${field}: expected ${allowed}, got ${shown(value)}` })
  switch (field) {
    case 'mode':
      return ROLLOUT_MODES.some((mode) => mode === value) ? undefined : wrong(`one of ${ROLLOUT_MODES.join(', ')}`)
    case 'chains':
      return value === 'all' || isListOfChains(value)
        ? undefined
        : wrong(`"all" or a list of 1 to ${MAX_CHAINS} chains`)
    case 'percent':
      return isFrom0To(value, 100) ? undefined : wrong('a number from 0 to 100')
    case 'controlShare':
      return isFrom0To(value, MAX_CONTROL_SHARE) ? undefined : wrong(`a number from 0 to ${MAX_CONTROL_SHARE}`)
    case 'killed':
      return typeof value === 'boolean' ? undefined : wrong('true or false')
    default: {
      const meant = nearest(field, FIELDS)
      return { field, detail: `there is no ${field}${meant === undefined ? '' : `; did you mean ${meant}?`}` }
    }
  }
}

function isFrom0To(value: unknown, most: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= most
}

function isListOfChains(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CHAINS) return false
  return value.every(
    (chain) => typeof chain === 'string' && chain !== '' && Buffer.byteLength(chain) <= MAX_CHAIN_BYTES,
  )
}
