import type { PolicyName } from '../../src/simulate/policies/policies.ts'
import type { Combination } from '../../src/simulate/row.ts'
import type { WarmingName } from '../../src/simulate/warmings/warmings.ts'

export const READ_MODELS = ['siblings'] as const

/** What to simulate, as given on the command line; undefined if it was not given. */
export interface SimulationFlags {
  readonly accesses?: string
  readonly prices?: string
  readonly topic?: string
  readonly formats?: string
  readonly config?: string
  readonly events?: string
  readonly capacity?: readonly number[]
  readonly slots?: readonly number[]
  readonly policy?: readonly PolicyName[]
  readonly warming?: readonly WarmingName[]
  /** The module of a strategy of the user's own. */
  readonly strategy?: string
  readonly seed: number
  /** The HTML page to write. */
  readonly report?: string
  readonly readModel?: (typeof READ_MODELS)[number]
  readonly maxReads?: number
  readonly delayMs?: readonly number[]
  readonly spacingUs?: number
  readonly warmMs?: number
  readonly lookAhead?: readonly Combination['lookAhead'][]
  readonly attribution?: readonly Combination['attribution'][]
}

export const DEFAULTS = {
  capacity: [0.01, 0.05, 0.1, 0.2],
  policy: ['forewarm'],
  warming: ['none', 'forewarm'],
  reportWarming: ['none', 'forewarm', 'oracle'],
  maxReads: 8,
  delayMs: [0],
  spacingUs: 50,
  warmMs: 1,
  lookAhead: ['auto'],
  attribution: ['on'],
} as const
