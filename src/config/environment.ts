import { parseEnv } from 'node:util'
import { mostAlike, nearest } from '../nearest.ts'
import type { ReadFile } from './check.ts'
import type { ConfigProblem } from './problem.ts'
import { SETTING_PLACES } from './settings.ts'

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>

const NAMES = new Set(SETTING_PLACES.map(({ row }) => row.name))

const firstWord = (name: string) => name.slice(0, name.indexOf('_'))

/** A name that begins with the first word of a setting's name. Every program has a FEATURE_ of its own. */
const OURS = new RegExp(`^(?!FEATURE_)(${[...new Set([...NAMES].map(firstWord))].join('|')})S?_`)

/** Variables of Kafka's own scripts. */
const OF_KAFKA = /^(KAFKA_(.+_)?OPTS|KAFKA_(HOME|DEBUG|VERSION)|LOG_DIR)$/

/** Variables of the local stack, the recorded data and the tests. They are no settings of a node. */
const NOT_OF_NODES = new Set(['FOREWARM_STACK_DIR', 'FOREWARM_DATASETS', 'FOREWARM_SEED'])

/** Kubernetes sets such variables for every service of the namespace; they are nobody's mistake. */
const OF_KUBERNETES = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)/

/** It sets REDIS_PORT for the service `redis`, too. */
const LINK_TO_SERVICE = /^(tcp|udp|sctp):\/\//

export interface EnvironmentReview {
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/**
 * Finds variables that were meant for us and have no effect. Other programs use the environment too, so a variable is
 * refused only if it looks like a misspelt setting that is not set itself. One that merely begins like ours
 * (REDIS_HOST) causes a warning, unless it is known to be of other software.
 */
export function reviewEnvironment(env: Environment, origin: 'environment' | '.env'): EnvironmentReview {
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const unset = [...NAMES].filter((name) => !isSet(env, name))
  for (const name of Object.keys(env).sort()) {
    if (!isSet(env, name) || NAMES.has(name) || isOfOthers(name, env[name] ?? '')) continue
    const meant = nearest(name, unset)
    if (meant !== undefined) {
      problems.push({ setting: name, origin, received: 'an unknown name', allowed: `did you mean ${meant}?` })
    } else if (OURS.test(name)) {
      const ours = [...NAMES].filter((known) => name.startsWith(firstWord(known)))
      const [closest] = mostAlike(name, ours, 1)
      warnings.push(`${name} (${origin}) is no setting; it changes nothing; the nearest setting is ${closest}`)
    }
  }
  return { problems, warnings }
}

function isOfOthers(name: string, value: string): boolean {
  const isLink = OF_KUBERNETES.test(name) || (name.endsWith('_PORT') && LINK_TO_SERVICE.test(value))
  return isLink || NOT_OF_NODES.has(name) || OF_KAFKA.test(name)
}

/** An empty variable counts as not set: a compose file passes one on for a variable that it does not have. */
export function isSet(env: Environment, name: string): boolean {
  return (env[name] ?? '') !== ''
}

export interface DotEnv extends EnvironmentReview {
  readonly variables: Environment
}

export const NO_DOT_ENV: DotEnv = { variables: {}, problems: [], warnings: [] }

export function readDotEnv(readFile: ReadFile): DotEnv {
  const source = readFile('.env')
  if (source === undefined) return NO_DOT_ENV
  const variables: Environment = parseEnv(source)
  const review = reviewEnvironment(variables, '.env')
  const profile = variables.FOREWARM_PROFILE
  if (profile === undefined || profile === 'development') return { variables, ...review }
  const problem: ConfigProblem = {
    setting: 'FOREWARM_PROFILE',
    origin: '.env',
    received: JSON.stringify(profile),
    allowed: 'development: no other profile reads .env',
  }
  return { variables, problems: [...review.problems, problem], warnings: review.warnings }
}
