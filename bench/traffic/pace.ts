import { setTimeout as pause } from 'node:timers/promises'
import type { PricePublisher } from '../../index.ts'
import { updateAt } from './price-feed.ts'

const STEP_MS = 1
/** A publisher refuses more than 100,000 that are not acknowledged. */
const UNACKNOWLEDGED = 50_000

export interface Pace {
  readonly publisher: PricePublisher
  readonly perSecond: number
  /** Sequence of the first update. */
  readonly from: number
  /** Called before each update; false: it is not sent, and nothing after it. */
  readonly more: (sequence: number) => boolean
  /** Called right before an update is produced. */
  readonly onSending?: (sequence: number) => void
}

/**
 * Produces the feed at a steady rate: every millisecond, the updates that are due. It falls behind if acknowledgements
 * do. Resolves to the sequence of the first update that was not sent, when all before it are acknowledged. Rejects if one
 * is not.
 */
export async function pace({ publisher, perSecond, from, more, onSending }: Pace): Promise<number> {
  const startMs = performance.now()
  let lost: unknown
  let next = from
  let acknowledged = from
  for (;;) {
    const due = from + ((performance.now() - startMs) / 1000) * perSecond
    for (; next < due && next - acknowledged < UNACKNOWLEDGED; next++) {
      if (!more(next)) {
        await publisher.flush()
        if (lost !== undefined) throw lost
        return next
      }
      onSending?.(next)
      publisher.produce(updateAt(next, Date.now())).then(
        () => acknowledged++,
        (error: unknown) => {
          lost = error
        },
      )
    }
    await pause(STEP_MS)
  }
}
