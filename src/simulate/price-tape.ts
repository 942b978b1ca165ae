import type { PriceUpdate } from '../../schemas/price-update.ts'
import { placeText, type Recorded, recordedUpdates } from './recorded-updates.ts'
import { GroupSiblings, readEvents } from './siblings.ts'
import { SimulationError } from './simulation-error.ts'
import { Timeline } from './timeline.ts'

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
  /** Updates far older than one before them, which are left out; absent where there are none. */
  readonly overtaken?: OvertakenUpdates
}

export interface OvertakenUpdates {
  readonly updates: number
  /** Updates in the file. */
  readonly of: number
  /** The update that is ahead of most of them: where it stands, its time and that of the first behind it, in ms since the epoch. */
  readonly place: string
  readonly eventTimeMs: number
  readonly nextEventTimeMs: number
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
 * Rejects with `no-such-file`, `corrupt-recording`, or `bad-file`, naming file, line and column, also where an update is
 * far ahead of most of the others; and with the signal's reason when it is aborted.
 */
export async function readPriceTape(options: PriceTapeOptions): Promise<PriceTape> {
  const { prices, events, signal } = options
  const siblings = events === undefined ? new GroupSiblings() : await readEvents(events, signal)
  const times = new Timeline<Recorded['place']>(options.spacingUs)
  const updates: number[] = []
  let unknownUpdates = 0
  let unreadable = 0
  const add = (update: PriceUpdate, place: Recorded['place']): void => {
    if (times.leavesOut(update.eventTimeMs)) return
    const pairId = siblings.idOf(update)
    if (pairId === undefined) {
      unknownUpdates++
      return
    }
    updates.push(pairId)
    times.add(update.eventTimeMs, place)
  }
  for await (const recorded of recordedUpdates(prices, { signal, onUnreadable: () => unreadable++ }))
    for (const { updates: its, place } of recorded) for (const update of its) add(update, place)
  if (updates.length + unknownUpdates === 0)
    throw new SimulationError('bad-file', `${prices} has no price update: expected one a line`)
  const overtaken = overtakenOf(times, { prices, of: updates.length + unknownUpdates + times.leftOut })
  const reads = siblings.reads(options.maxReads)
  if (!updates.some((pairId) => reads[pairId]?.length !== 0))
    throw new SimulationError('bad-file', `${prices} has no update on which anything is read: ${expected(events)}`)
  const { timesUs, batches, backwards } = times
  return {
    ...{ name: prices, pairs: siblings.pairs, reads, unknownUpdates, backwards, unreadable },
    ...(overtaken !== undefined && { overtaken }),
    updates: Int32Array.from(updates),
    timesUs: Float64Array.from(timesUs),
    batches: Int32Array.from(batches),
  }
}

function expected(events: string | undefined): string {
  if (events === undefined) return 'expected updates with a `group` that they share, or --events'
  return `expected updates of pairs that share an event in ${events}`
}

/** Where it is most of the updates, what is left tells nothing of the traffic. */
function overtakenOf(
  { leftOut, overtaken }: Timeline<Recorded['place']>,
  { prices, of }: { readonly prices: string; readonly of: number },
): OvertakenUpdates | undefined {
  if (overtaken === undefined) return undefined
  const { eventTimeMs, nextEventTimeMs } = overtaken
  const place = placeText(prices, overtaken.place)
  if (leftOut * 2 <= of) return { updates: leftOut, of, place, eventTimeMs, nextEventTimeMs }
  const [its, next] = [eventTimeMs, nextEventTimeMs].map((ms) => new Date(ms).toISOString())
  throw new SimulationError(
    'bad-file',
    `${place}: its event time is ${its}, and updates after it are of ${next} and on: ${leftOut} of ${of} updates in all are far older than one before them; expected times that rise`,
  )
}
