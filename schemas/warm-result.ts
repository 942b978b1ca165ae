export const WARM_STATUSES = ['done', 'partial', 'timeout', 'refused', 'failed', 'shadow'] as const
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
export type WarmOutcome = (typeof WARM_OUTCOMES)[number]

/** What one node made of a warm request. Counts are pairs. */
export interface WarmResult {
  readonly v: 1
  readonly requestId: string
  readonly node: string
  readonly status: WarmStatus
  readonly warmed: number
  readonly alreadyInL1: number
  readonly notFound: number
  readonly refusedOlder: number
  readonly notInterested: number
  readonly outcomes?: Readonly<Record<string, WarmOutcome>>
  readonly durationMs: number
  readonly atMs: number
}
