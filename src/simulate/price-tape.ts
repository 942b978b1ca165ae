import { recordedUpdates } from './recorded-updates.ts'
import { GroupSiblings, readEvents } from './siblings.ts'
import { SimulationError } from './simulation-error.ts'

/** Recorded price updates, and what a detector reads on each. Pairs are numbered from 0. */
export interface PriceTape {
  readonly name: string
  /** Of the events' file, whether they are updated or not; without one, those that are. */
  readonly pairs: number
  /** Pair ids in order. */
  readonly updates: Int32Array
  /** Of each update, whole microseconds since the epoch; never falling. */
  readonly timesUs: Float64Array
  /** First of the updates that were handed over together with this one: those of one event time. */
  readonly batches: Int32Array
  /** Of each pair, what a detector reads on its update. */
  readonly reads: readonly Int32Array[]
  /** Updates of pairs that the events' file does not have: they are left out. */
  readonly unknownUpdates: number
  /** Updates with an event time before the one before: taken as of that one. */
  readonly backwards: number
  /** Records of a recording that say nothing to anybody: they are left out. */
  readonly unreadable: number
}

export interface PriceTapeOptions {
  /** A recording, or NDJSON of price records. */
  readonly prices: string
  /** CSV of pairs and events; unless given, siblings are updates of one `group`. */
  readonly events: string | undefined
  /** Reads of an update, at most. */
  readonly maxReads: number
  /** From one update to the next of the same event time. */
  readonly spacingUs: number
  readonly signal?: AbortSignal
}

/**
 * Read model `siblings`: on an update of A the detector reads the other pairs of A's event, in the order of the file.
 * Rejects with `no-such-file`, `corrupt-recording`, or `bad-file`, naming file, line and column; and with the signal's
 * reason when it is aborted.
 */
export async function readPriceTape(options: PriceTapeOptions): Promise<PriceTape> {
  const { prices, events, signal } = options
  const siblings = events === undefined ? new GroupSiblings() : await readEvents(events, signal)
  const times = new Timeline(options.spacingUs)
  const updates: number[] = []
  let unknownUpdates = 0
  let unreadable = 0
  for await (const recorded of recordedUpdates(prices, { signal, onUnreadable: () => unreadable++ })) {
    for (const update of recorded) {
      const pairId = siblings.idOf(update)
      if (pairId === undefined) {
        unknownUpdates++
        continue
      }
      updates.push(pairId)
      times.add(update.eventTimeMs)
    }
  }
  if (updates.length + unknownUpdates === 0)
    throw new SimulationError('bad-file', `${prices} has no price update: expected one a line`)
  const reads = siblings.reads(options.maxReads)
  if (!updates.some((pairId) => reads[pairId]?.length !== 0))
    throw new SimulationError('bad-file', `${prices} has no update on which anything is read: ${expected(events)}`)
  const { timesUs, batches, backwards } = times
  return {
    ...{ name: prices, pairs: siblings.pairs, reads, unknownUpdates, backwards, unreadable },
    updates: Int32Array.from(updates),
    timesUs: Float64Array.from(timesUs),
    batches: Int32Array.from(batches),
  }
}

function expected(events: string | undefined): string {
  if (events === undefined) return 'expected updates with a `group` that they share, or --events'
  return `expected updates of pairs that share an event in ${events}`
}

/** A clock finer than the feed's: updates of one event time stand a little apart. */
class Timeline {
  readonly timesUs: number[] = []
  readonly batches: number[] = []
  backwards = 0
  readonly #spacingUs: number
  #eventTimeMs = Number.NEGATIVE_INFINITY

  constructor(spacingUs: number) {
    this.#spacingUs = spacingUs
  }

  add(eventTimeMs: number): void {
    const at = this.timesUs.length
    const before = this.timesUs[at - 1] ?? Number.NEGATIVE_INFINITY
    if (eventTimeMs < this.#eventTimeMs) this.backwards++
    if (eventTimeMs > this.#eventTimeMs) {
      this.#eventTimeMs = eventTimeMs
      this.timesUs.push(Math.max(eventTimeMs * 1000, before))
      this.batches.push(at)
      return
    }
    this.timesUs.push(before + this.#spacingUs)
    this.batches.push(this.batches[at - 1] ?? 0)
  }
}
