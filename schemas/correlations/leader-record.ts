import { type RecordFields, type RecordRefusal, recordFormat } from '../record-fields.ts'
import { type Refused, refused } from '../refusal.ts'
import { KEY_SEPARATOR, MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../topics.ts'

/** The most pairs that a leader's record names: reads, and then mined followers. */
export const MAX_READS = 16
export const MAX_MINED = 8

const FOLLOWS = ['updated', 'missed'] as const

/**
 * What a node has learned of a leader, the pair of the record's key. The lists stand side by side, an edge a place. First
 * come the edges to pairs that are read in the handlers of the leader's updates, then mined ones. A list that is of one
 * kind alone has as many items as there are edges of this kind. Times are milliseconds since 1970.
 */
export interface LeaderRecord {
  readonly v: 1
  /** Tells the writers of a service apart. */
  readonly by: string
  /** The event time at which mined edges had this evidence. */
  readonly asOfMs: number
  readonly pairs: readonly string[]
  /** The chain of each pair, if any of them is not the leader's. */
  readonly chains?: readonly string[]
  readonly lagsMs: readonly number[]
  /** The share of the leader's updates after which each of the first pairs is read. */
  readonly rates: readonly number[]
  /** What comes of the others: updates, or reads that missed. */
  readonly follow: readonly ('updated' | 'missed')[]
  readonly hits: readonly number[]
  readonly trials: readonly number[]
  readonly lifts: readonly number[]
  readonly zs: readonly number[]
  /** So many seconds before `asOfMs` the follower last followed. */
  readonly agoSeconds: readonly number[]
}

export const { parse: parseLeader, encode: encodeLeader } = recordFormat(read)

/** Why a record of the topic was passed over. */
export type LeaderRefusal = RecordRefusal | 'bad-key' | 'other-service'

const MAX_BY_BYTES = 16
const MAX_COUNT = 1e12

function read(fields: RecordFields): LeaderRecord {
  const pairs = fields.names('pairs', { count: MAX_READS + MAX_MINED, bytes: MAX_PAIR_BYTES })
  const all = { from: pairs.length, to: pairs.length }
  const rates = fields.numbers('rates', 1, { from: 0, to: Math.min(MAX_READS, pairs.length) })
  const mined = pairs.length - rates.length
  const rest = { from: mined, to: Math.min(mined, MAX_MINED) }
  return {
    v: 1,
    by: fields.name('by', MAX_BY_BYTES),
    asOfMs: fields.timeMs('asOfMs'),
    pairs,
    ...(fields.has('chains') && { chains: fields.names('chains', { count: pairs.length, bytes: MAX_CHAIN_BYTES }) }),
    lagsMs: fields.numbers('lagsMs', MAX_COUNT, all),
    rates,
    follow: fields.wordsOf('follow', FOLLOWS, mined),
    hits: fields.numbers('hits', MAX_COUNT, rest),
    trials: fields.numbers('trials', MAX_COUNT, rest),
    lifts: fields.numbers('lifts', MAX_COUNT, rest),
    zs: fields.numbers('zs', MAX_COUNT, rest),
    agoSeconds: fields.numbers('agoSeconds', MAX_COUNT, rest),
  }
}

export interface LeaderName {
  readonly chain: string
  readonly pair: string
}

export function leaderKey(service: string, { chain, pair }: LeaderName): string {
  return [service, chain, pair].join(KEY_SEPARATOR)
}

/** The leader that the key names; a refusal for a key of another service, or of no leader. */
export function leaderOfKey(key: Buffer | undefined, service: string): LeaderName | Refused<LeaderRefusal> {
  const [of = '', chain = '', pair = '', ...more] = key?.toString('utf8').split(KEY_SEPARATOR) ?? []
  if (of === '' || chain === '' || pair === '' || more.length > 0)
    return refused('bad-key', 'expected a service, a chain and a pair, joined by NUL')
  return of === service ? { chain, pair } : refused('other-service', `expected ${service}, got ${of}`)
}
