import { type RecordFields, recordFormat } from './record-fields.ts'
import { MAX_PAIR_BYTES } from './topics.ts'
import { MAX_PAIRS_A_REQUEST, MAX_REQUEST_ID_BYTES, MAX_SERVICE_BYTES } from './warm-request.ts'

export const WARM_STATUSES = ['done', 'partial', 'timeout', 'refused', 'failed', 'shadow'] as const
/** How a warm request ended on one node. */
export type WarmStatus = (typeof WARM_STATUSES)[number]

export const WARM_OUTCOMES = [
  'warmed',
  'alreadyInL1',
  'notFound',
  'refusedOlder',
  'notInterested',
  'noRoom',
  'failed',
] as const
/** What became of one pair of a warm request. */
export type WarmOutcome = (typeof WARM_OUTCOMES)[number]

/** The outcome of a warm request on one node. Counts are pairs. */
export interface WarmResult {
  readonly v: 1
  readonly requestId: string
  /** The service of the request and of the node; `default` if absent. */
  readonly service?: string
  readonly node: string
  readonly status: WarmStatus
  /** Why it was refused, in a word, such as `killed`. */
  readonly reason?: string
  readonly warmed: number
  readonly alreadyInL1: number
  readonly notFound: number
  readonly refusedOlder: number
  readonly notInterested: number
  readonly outcomes?: Readonly<Record<string, WarmOutcome>>
  readonly durationMs: number
  readonly atMs: number
}

const MAX_NODE_BYTES = 256
const MAX_REASON_CHARS = 100

export const { parse: parseWarmResult, encode: encodeWarmResult } = recordFormat(read)

function read(fields: RecordFields): WarmResult {
  return {
    v: 1,
    requestId: fields.name('requestId', MAX_REQUEST_ID_BYTES),
    ...(fields.has('service') && { service: fields.name('service', MAX_SERVICE_BYTES) }),
    node: fields.name('node', MAX_NODE_BYTES),
    status: fields.oneOf('status', WARM_STATUSES),
    ...(fields.has('reason') && { reason: fields.text('reason', MAX_REASON_CHARS) }),
    warmed: fields.count('warmed'),
    alreadyInL1: fields.count('alreadyInL1'),
    notFound: fields.count('notFound'),
    refusedOlder: fields.count('refusedOlder'),
    notInterested: fields.count('notInterested'),
    ...(fields.has('outcomes') && {
      outcomes: fields.words('outcomes', WARM_OUTCOMES, { count: MAX_PAIRS_A_REQUEST, bytes: MAX_PAIR_BYTES }),
    }),
    durationMs: fields.timeMs('durationMs'),
    atMs: fields.timeMs('atMs'),
  }
}
