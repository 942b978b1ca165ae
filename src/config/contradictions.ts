import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isObject } from '../../schemas/json-value.ts'
import { fieldFaults } from '../strategy/choice.ts'
import { STRATEGY_NAMES } from '../strategy/named.ts'
import { isOwnStrategy } from '../strategy/own-strategy.ts'
import { isLoopback } from './loopback.ts'
import type { ConfigProblem, Origin } from './problem.ts'

/** The values that were found. A value that was not allowed has an origin but no value, so that it is reported once. */
export interface FoundValues {
  value(name: string): unknown
  origin(name: string): Origin
}

/** Finds settings that are allowed each by itself but not together. */
export function contradictions(found: FoundValues): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const given = (name: string) => found.origin(name) !== 'default'
  const refuse = (setting: string, received: string, allowed: string) =>
    problems.push({ setting, origin: found.origin(setting), received, allowed })

  if (given('KAFKA_SASL_MECHANISM')) {
    for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']) {
      if (!given(name)) refuse(name, 'nothing', 'a value, as KAFKA_SASL_MECHANISM is set')
    }
  } else if (given('KAFKA_SASL_USERNAME') || given('KAFKA_SASL_PASSWORD')) {
    refuse('KAFKA_SASL_MECHANISM', 'nothing', 'a mechanism, as a user name or a password is set')
  }
  if (given('KAFKA_SSL_CERT') !== given('KAFKA_SSL_KEY')) {
    refuse(given('KAFKA_SSL_CERT') ? 'KAFKA_SSL_KEY' : 'KAFKA_SSL_CERT', 'nothing', 'certificate and key together')
  }
  if (found.value('KAFKA_SSL') === false && (given('KAFKA_SSL_CA') || given('KAFKA_SSL_CERT'))) {
    refuse('KAFKA_SSL', 'false', 'true, as a certificate is set')
  }
  contradictoryGrace(found, refuse)
  contradictoryLogin(given, refuse)
  contradictoryHttp(found, refuse)
  const redis = found.value('REDIS_URL')
  if (Array.isArray(redis) && redis.length > 1 && redis.some(namesDatabase))
    refuse('REDIS_URL', 'a database number', 'no database number with several URLs: a cluster has one database')
  const [l1Ttl, l2Ttl] = [found.value('CACHE_L1_TTL'), found.value('CACHE_L2_TTL')]
  if (given('CACHE_L1_TTL') && typeof l1Ttl === 'number' && typeof l2Ttl === 'number' && l1Ttl > l2Ttl)
    refuse('CACHE_L1_TTL', `${l1Ttl}`, `at most CACHE_L2_TTL, which is ${l2Ttl}: L1 keeps nothing longer than L2`)
  const l3Ttl = found.value('CACHE_L3_TTL')
  if (given('CACHE_L3_TTL') && typeof l3Ttl === 'number' && typeof l2Ttl === 'number' && l3Ttl < l2Ttl)
    refuse('CACHE_L3_TTL', `${l3Ttl}`, `at least CACHE_L2_TTL, which is ${l2Ttl}: L2 keeps nothing longer than L3`)
  if (found.value('CLICKHOUSE_WRITE') === true && !given('CLICKHOUSE_URL'))
    refuse('CLICKHOUSE_URL', 'nothing', 'the URL that CLICKHOUSE_WRITE writes to')
  for (const name of ['WARMING_STRATEGY', 'WARMING_STRATEGY_B'])
    for (const { received, allowed } of strategyFaults(found, name)) refuse(`${name}_CONFIG`, received, allowed)
  if (given('WARMING_STRATEGY_B_CONFIG') && !given('WARMING_STRATEGY_B'))
    refuse('WARMING_STRATEGY_B', 'nothing', 'a strategy, as WARMING_STRATEGY_B_CONFIG is set')
  if (isCanaryOfAll(found, given))
    refuse('WARMING_ROLLOUT_PERCENTAGE', 'nothing', 'a share, or WARMING_ENABLED_CHAINS, as WARMING_ROLLOUT is canary')
  for (const [name, topic, other] of topicsUsedTwice(found)) {
    refuse(name, JSON.stringify(topic), `a topic that ${other} does not name`)
  }
  return problems
}

type Refuse = (setting: string, received: string, allowed: string) => void

const TOO_LATE = 'the successor of a leader that has died comes no sooner'

/** A run at which the leader dies would be lost. */
function contradictoryGrace(found: FoundValues, refuse: Refuse): void {
  const [grace, session] = [found.value('SCHEDULES_GRACE_MS'), found.value('KAFKA_SESSION_TIMEOUT_MS')]
  if (found.value('SCHEDULES_ENABLED') === false || typeof grace !== 'number' || typeof session !== 'number') return
  if (grace <= session)
    refuse('SCHEDULES_GRACE_MS', `${grace}`, `more than KAFKA_SESSION_TIMEOUT_MS, which is ${session}: ${TOO_LATE}`)
}

/** Tokens and certificate of the HTTP server. */
function contradictoryHttp(found: FoundValues, refuse: Refuse): void {
  const given = (name: string) => found.origin(name) !== 'default'
  const host = found.value('METRICS_HOST')
  if (typeof host === 'string' && !isLoopback(host) && !given('FOREWARM_TOKEN'))
    refuse('FOREWARM_TOKEN', 'nothing', `a token, as METRICS_HOST is ${host}, which other machines may reach`)
  const readToken = found.value('FOREWARM_READ_TOKEN')
  if (readToken !== undefined && readToken === found.value('FOREWARM_TOKEN'))
    refuse('FOREWARM_READ_TOKEN', 'the same token', 'another one than FOREWARM_TOKEN, which may also operate')
  const [cert, key] = ['METRICS_TLS_CERT', 'METRICS_TLS_KEY']
  if (given(cert) !== given(key)) refuse(given(cert) ? key : cert, 'nothing', 'certificate and key together')
  const [certText, keyText] = [found.value(cert), found.value(key)]
  if (typeof certText !== 'string' || typeof keyText !== 'string') return
  const received = keyFault(certText, keyText)
  if (received !== undefined) refuse(key, received, `the private key of ${cert}, without a passphrase`)
}

function keyFault(cert: string, key: string): string | undefined {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
      ? undefined
      : 'the key of another certificate'
  } catch {
    return 'a key that cannot be read'
  }
}

/** Each strategy has other fields. */
function strategyFaults(found: FoundValues, setting: string): ReturnType<typeof fieldFaults> {
  const value = found.value(setting)
  const strategy = isOwnStrategy(value) ? value : STRATEGY_NAMES.find((name) => name === value)
  const fields = found.value(`${setting}_CONFIG`)
  return strategy === undefined || !isObject(fields) ? [] : fieldFaults(strategy, fields)
}

/** A canary of all pairs would be no canary. */
function isCanaryOfAll(found: FoundValues, given: (name: string) => boolean): boolean {
  if (found.value('WARMING_ROLLOUT') !== 'canary') return false
  return !given('WARMING_ROLLOUT_PERCENTAGE') && !given('WARMING_ENABLED_CHAINS')
}

/** The login of the schema registry. */
function contradictoryLogin(given: (name: string) => boolean, refuse: Refuse): void {
  const [url, username, password] = ['URL', 'USERNAME', 'PASSWORD'].map((name) => given(`SCHEMA_REGISTRY_${name}`))
  const token = given('SCHEMA_REGISTRY_TOKEN')
  if (username !== password)
    refuse(`SCHEMA_REGISTRY_${username ? 'PASSWORD' : 'USERNAME'}`, 'nothing', 'user name and password together')
  if (token && username) refuse('SCHEMA_REGISTRY_TOKEN', 'a token', 'a token, or a user name and a password, not both')
  if (!url && (token || username || given('SCHEMA_REGISTRY_SSL_CA')))
    refuse('SCHEMA_REGISTRY_URL', 'nothing', 'the URL of the registry that the other settings are for')
}

const OWN_TOPICS = ['WARM_REQUESTS_TOPIC', 'WARM_RESULTS_TOPIC', 'CORRELATIONS_TOPIC', 'CONTROL_TOPIC']

function namesDatabase(url: unknown): boolean {
  return typeof url === 'string' && /[1-9]/.test(new URL(url).pathname)
}

/** A node would read its own output from a topic that serves two purposes. */
function topicsUsedTwice(found: FoundValues): (readonly [name: string, topic: unknown, other: string])[] {
  const clashes: (readonly [string, unknown, string])[] = []
  const users = new Map<unknown, string>()
  const prices = found.value('PRICE_TOPICS')
  if (Array.isArray(prices)) for (const topic of prices) users.set(topic, 'PRICE_TOPICS')
  for (const name of OWN_TOPICS) {
    const topic = found.value(name)
    const other = users.get(topic)
    if (topic === undefined) continue
    if (other !== undefined) clashes.push([name, topic, other])
    users.set(topic, name)
  }
  return clashes
}
