export const ORIGINS = ['correlation', 'manual', 'schedule', 'prediction', 'recommendation', 'replay'] as const
export type Origin = (typeof ORIGINS)[number]

export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** A wish that pairs of one chain be in L1 soon. Times are milliseconds since the epoch. */
export interface WarmRequest {
  readonly v: 1
  readonly requestId: string
  readonly chain: string
  readonly pairs: readonly string[]
  readonly origin: Origin
  readonly strategy?: string
  readonly triggerPair?: string
  readonly priority: Priority
  readonly reason?: string
  /** The probability, 0 to 1, that each pair is read within the horizon; in the order of `pairs`. */
  readonly scores?: readonly number[]
  readonly issuedAtMs: number
  /** Not to be done earlier: a warm too early is pushed out before its read. */
  readonly notBeforeMs?: number
  readonly expiresAtMs?: number
  readonly dryRun?: boolean
}
