import type { PriceUpdate } from '../../schemas/price-update.ts'
import { TOPIC_NAME, TOPIC_NAMES } from '../../schemas/topics.ts'
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

/**
 * The function of a detector with an `output`. A JSON value that it returns, or that its promise resolves to, is
 * published; `undefined` and `null` are not.
 */
export type OutputFunction = (update: PriceUpdate, prices: Prices) => unknown

/** The topics and chains whose updates a detector gets. */
export interface Subscription {
  /** Price topics; all topics that the node consumes unless given. */
  readonly topics?: readonly string[]
  /** All chains unless given. */
  readonly chains?: readonly string[]
  /** The topic to which the node publishes what the function returns. Unless given, that is ignored. */
  readonly output?: string
}

/** The definition of a detector, as `detector` makes it. A node runs it. */
export interface Detector {
  readonly name: string
  readonly topics: ReadonlySet<string> | undefined
  readonly chains: ReadonlySet<string> | undefined
  readonly output?: string | undefined
  readonly detect: OutputFunction
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
const TOPIC: Check<string> = {
  allowed: `one topic (${TOPIC_NAMES})`,
  parse: (input) => (typeof input === 'string' && TOPIC_NAME.test(input) ? input : undefined),
}
const SUBSCRIPTION: OptionsOf<Subscription> = { topics: NAMES, chains: NAMES, output: TOPIC }

/** Defines a detector, for a node to run. Throws a ForewarmError 'bad-value' for one that could never be called. */
export function detector(
  name: string,
  subscription: Subscription & { readonly output: string },
  detect: OutputFunction,
): Detector
export function detector(name: string, subscription: Subscription, detect: DetectorFunction): Detector
export function detector(name: string, subscription: Subscription, detect: OutputFunction): Detector {
  if (name === '') throw new ForewarmError('bad-value', 'detector: expected a name, got an empty string')
  argument('detector', name, NAME)
  assertOptions(`detector ${name}`, subscription, SUBSCRIPTION)
  argument(`detector ${name}`, detect, callable)
  return {
    name,
    topics: subscription.topics && new Set(subscription.topics),
    chains: subscription.chains && new Set(subscription.chains),
    output: subscription.output,
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
    isSetOrAbsent('chains' in value ? value.chains : undefined) &&
    (!('output' in value) || value.output === undefined || typeof value.output === 'string')
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
