import { type RecordFields, recordFormat } from './record-fields.ts'
import { DEFAULT_SERVICE, MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'

export const ORIGINS = ['correlation', 'manual', 'schedule', 'prediction', 'recommendation', 'replay'] as const
/** Who made a warm request. */
export type Origin = (typeof ORIGINS)[number]

export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const
/** How urgent a warm request is. It orders the requests that wait. */
export type Priority = (typeof PRIORITIES)[number]

/** What a caller may ask to be warmed: named pairs, those that follow them, or those that history proposes. */
export const NAMING_STRATEGIES = ['on_demand', 'predictive'] as const
export const PROPOSING_STRATEGIES = [
  'market_open',
  'popular',
  'trending',
  'time_of_day',
  'sector_rotation',
  'pattern',
] as const
export const WARM_STRATEGIES = [...NAMING_STRATEGIES, ...PROPOSING_STRATEGIES] as const
/** The kinds of history that propose pairs to be warmed. */
export type ProposingStrategy = (typeof PROPOSING_STRATEGIES)[number]
export type WarmStrategy = (typeof WARM_STRATEGIES)[number]

/** Asks for pairs of one chain to be brought into L1. Times are milliseconds since 1970. */
export interface WarmRequest {
  readonly v: 1
  readonly requestId: string
  /** Only nodes of this service warm for it; `default` if absent. */
  readonly service?: string
  readonly chain: string
  readonly pairs: readonly string[]
  readonly origin: Origin
  readonly strategy?: string
  readonly triggerPair?: string
  readonly priority: Priority
  readonly reason?: string
  /** The probability, 0 to 1, that each pair is read within the horizon, in the order of `pairs`. */
  readonly scores?: readonly number[]
  readonly issuedAtMs: number
  /** The warm must not begin earlier: it would be evicted before its read. */
  readonly notBeforeMs?: number
  readonly expiresAtMs?: number
  readonly dryRun?: boolean
}

export const MAX_PAIRS_A_REQUEST = 1_000
export const MAX_REQUEST_ID_BYTES = 128
export const MAX_SERVICE_BYTES = 64
const MAX_STRATEGY_BYTES = 64
const MAX_REASON_CHARS = 500

/** The service that a warm request or a warm result belongs to. */
export function serviceOf({ service = DEFAULT_SERVICE }: { readonly service?: string }): string {
  return service
}

export const { parse: parseWarmRequest, encode: encodeWarmRequest } = recordFormat(read)

function read(fields: RecordFields): WarmRequest {
  const pairs = fields.names('pairs', { count: MAX_PAIRS_A_REQUEST, bytes: MAX_PAIR_BYTES })
  return {
    v: 1,
    requestId: fields.name('requestId', MAX_REQUEST_ID_BYTES),
    ...(fields.has('service') && { service: fields.name('service', MAX_SERVICE_BYTES) }),
    chain: fields.name('chain', MAX_CHAIN_BYTES),
    pairs,
    origin: fields.oneOf('origin', ORIGINS),
    ...(fields.has('strategy') && { strategy: fields.name('strategy', MAX_STRATEGY_BYTES) }),
    ...(fields.has('triggerPair') && { triggerPair: fields.name('triggerPair', MAX_PAIR_BYTES) }),
    priority: fields.oneOf('priority', PRIORITIES),
    ...(fields.has('reason') && { reason: fields.text('reason', MAX_REASON_CHARS) }),
    ...(fields.has('scores') && { scores: fields.shares('scores', pairs.length) }),
    issuedAtMs: fields.timeMs('issuedAtMs'),
    ...(fields.has('notBeforeMs') && { notBeforeMs: fields.timeMs('notBeforeMs') }),
    ...(fields.has('expiresAtMs') && { expiresAtMs: fields.timeMs('expiresAtMs') }),
    ...(fields.has('dryRun') && { dryRun: fields.flag('dryRun') }),
  }
}
