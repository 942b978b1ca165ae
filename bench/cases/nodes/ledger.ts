import type { Feed } from './feed.ts'
import type { Sample } from './sampling.ts'

/** What is known of the updates of each pair, in their order. */
export interface Ledger {
  readonly ranks: readonly number[]
  /** When Kafka had each update for certain, and when its owner handled it. The place in the list is the update's number. */
  readonly storedMs: readonly number[]
  readonly handledMs: readonly number[]
}

export function ledgerOf({ ranks, storedMs }: Pick<Feed, 'ranks' | 'storedMs'>, handled: readonly number[]): Ledger {
  const handledMs: number[] = []
  for (let i = 0; i < handled.length; i += 2) handledMs[handled[i] as number] = handled[i + 1] as number
  return { ranks, storedMs, handledMs }
}

/** The number of the next update of the same pair, for each update. */
function nextOf(ranks: readonly number[]): readonly number[] {
  const last = new Map<number, number>()
  const next: number[] = []
  for (const [update, rank] of ranks.entries()) {
    const before = last.get(rank)
    if (before !== undefined) next[before] = update
    last.set(rank, update)
  }
  return next
}

export interface Judged {
  /** From the owner's update until the value was in the reader's L1. */
  readonly visibleMs: readonly number[]
  /** For each read: how long the owner had had a newer value. */
  readonly behindMs: readonly number[]
  /** For each read: its bound, Infinity also if there was no answer. */
  readonly boundMs: readonly number[]
  /** Reads with a bound that is smaller than the time since Kafka had a newer update. */
  readonly falseBounds: number
}

export function judged({ ranks, storedMs, handledMs }: Ledger, sample: Sample): Judged {
  const next = nextOf(ranks)
  const behindMs: number[] = []
  const boundMs: number[] = []
  let falseBounds = 0
  for (const [at, update] of sample.updates.entries()) {
    const atMs = sample.atMs[at] as number
    const bound = sample.behindMs[at] as number
    boundMs.push(Number.isNaN(bound) ? Number.POSITIVE_INFINITY : bound)
    if (Number.isNaN(update)) continue
    const newer = next[update]
    behindMs.push(newer === undefined ? 0 : Math.max(0, atMs - (handledMs[newer] ?? Number.POSITIVE_INFINITY)))
    if (newer !== undefined && atMs - (storedMs[newer] as number) > bound) falseBounds++
  }
  const visibleMs: number[] = []
  for (let i = 0; i < sample.visible.length; i += 2) {
    const since = handledMs[sample.visible[i] as number]
    if (since !== undefined) visibleMs.push((sample.visible[i + 1] as number) - since)
  }
  return { visibleMs, behindMs, boundMs, falseBounds }
}
