import type { PriceUpdate } from '../../schemas/price-update.ts'
import { argument } from '../config/argument.ts'
import type { Check } from '../config/check.ts'
import { assertOptions, callable, type OptionsOf } from '../config/options.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { Prices } from './prices.ts'

/**
 * A detector's function, called for each of its updates. An update is frozen. Its promise is awaited; an error is counted
 * under its name.
 */
export type DetectorFunction = (update: PriceUpdate, prices: Prices) => void | Promise<void>

/** The topics and chains whose updates a detector gets. */
export interface Subscription {
  /** Price topics; all topics that the node consumes unless given. */
  readonly topics?: readonly string[]
  /** All chains unless given. */
  readonly chains?: readonly string[]
}

/** The definition of a detector, as `detector` makes it. A node runs it. */
export interface Detector {
  readonly name: string
  readonly topics: ReadonlySet<string> | undefined
  readonly chains: ReadonlySet<string> | undefined
  readonly detect: DetectorFunction
}

const NAME: Check<string> = {
  allowed: 'a name',
  parse: (input) => (typeof input === 'string' && input !== '' ? input : undefined),
}
const NAMES: Check<readonly string[]> = {
  allowed: 'a list of one name at least',
  parse: (input) => {
    if (!Array.isArray(input) || input.length === 0) return undefined
    return input.every((each) => NAME.parse(each, () => undefined) !== undefined) ? input : undefined
  },
}
const SUBSCRIPTION: OptionsOf<Subscription> = { topics: NAMES, chains: NAMES }

/** Defines a detector, for a node to run. Throws a ForewarmError 'bad-value' for one that could never be called. */
export function detector(name: string, subscription: Subscription, detect: DetectorFunction): Detector {
  if (name === '') throw new ForewarmError('bad-value', 'detector: expected a name, got an empty string')
  argument('detector', name, NAME)
  assertOptions(`detector ${name}`, subscription, SUBSCRIPTION)
  argument(`detector ${name}`, detect, callable)
  return {
    name,
    topics: subscription.topics && new Set(subscription.topics),
    chains: subscription.chains && new Set(subscription.chains),
    detect,
  }
}

/** Whether a value has all that a node needs of a detector. */
export function isDetector(value: unknown): value is Detector {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'detect' in value &&
    typeof value.detect === 'function' &&
    isSetOrAbsent('topics' in value ? value.topics : undefined) &&
    isSetOrAbsent('chains' in value ? value.chains : undefined)
  )
}

/** Does not use `instanceof`, because a set may come from another realm. */
function isSetOrAbsent(value: unknown): boolean {
  if (value === undefined) return true
  return typeof value === 'object' && value !== null && 'has' in value && typeof value.has === 'function'
}

/** Throws a ForewarmError 'bad-value' for the first value that is no detector, such as a bare function. */
export function assertDetectors(detectors: readonly unknown[]): void {
  const at = detectors.findIndex((each) => !isDetector(each))
  if (at < 0) return
  const expected = 'what detector(name, subscription, function) makes'
  throw new ForewarmError('bad-value', `detectors[${at}]: expected ${expected}, got ${typeof detectors[at]}`)
}
