import { inTime, type Timer } from '../src/timer.ts'

export interface Waiting<T> {
  readonly wait: Promise<T>
  readonly outputs: {
    readonly publishes: boolean
    /** Whether the wait is for Kafka, which may take outputs late, and not for a handler that hangs. */
    readonly isHeldUp: boolean
  }
  readonly beat: () => void
  readonly timer?: Timer | undefined
}

/** Well below the time after which a batch without progress is stuck. */
const BEAT_EVERY_MS = 5_000
const LATE = Symbol('still waiting')

/**
 * Settles as the promise does. Meanwhile the node stays a member of its group, however long Kafka does not take outputs:
 * another node could not publish them either.
 */
export function stayMember<T>(waiting: Waiting<T>): Promise<T> {
  return waiting.outputs.publishes ? beating(waiting) : waiting.wait
}

async function beating<T>({ wait, outputs, beat, timer }: Waiting<T>): Promise<T> {
  for (;;) {
    const settled = await inTime(wait, LATE, { delayMs: BEAT_EVERY_MS, timer })
    if (settled !== LATE) return settled as T
    if (outputs.isHeldUp) beat()
  }
}
