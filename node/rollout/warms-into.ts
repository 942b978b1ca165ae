import type { FirstLevel } from '../../src/cache/l1/first-level.ts'

/** The place that warms go to: L1, or its shadow. */
export interface WarmsInto {
  readonly l1: Pick<FirstLevel, 'has' | 'expect' | 'floor' | 'usage'>
  readonly isShadow: boolean
  /** How long a trip to L2 takes, milliseconds. */
  readonly takesMs: () => number
  /** Warms of the look-ahead that came after their read. */
  readonly late: () => number
  /** Brings pairs for the look-ahead; `waits`: handlers wait for them, `timeoutMs` at most. */
  readonly promote: (pairIds: readonly number[], timeoutMs: number, waits: boolean) => Promise<unknown>
  /** Updates that warm nothing. */
  readonly control: { includes(pairId: number, eventTimeMs: number): boolean }
}
