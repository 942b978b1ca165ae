import type { Formats } from '../../formats/formats.ts'
import type { ReplayRecord } from '../../replay/replay-record.ts'
import type { OnBadLine } from '../../replay/source/bad-line.ts'
import { LostLedger, type LostRecords } from '../../replay/source/source.ts'
import { SimulationError } from '../simulation-error.ts'
import { placeText, type Recorded, recordedUpdates } from './recorded-updates.ts'
import { GroupSiblings, readEvents } from './siblings.ts'
import { type Mistimed, Timeline } from './timeline.ts'

/** Recorded price updates, and the pairs that a detector reads on each. Pairs are numbered from 0. */
export interface PriceTape {
  readonly name: string
  /** How many pairs there are: all of the events' file or, without one, all that are updated. */
  readonly pairs: number
  /** What the pairs are called, by their numbers. */
  readonly names?: readonly string[]
  /** The pair id of each update, in order. */
  readonly updates: Int32Array
  /** The time of each update, in whole microseconds since the epoch. It never falls. */
  readonly timesUs: Float64Array
  /** Updates of one event time are handed over together: for each update, the first of them. */
  readonly batches: Int32Array
  /** For each pair, the pairs that a detector reads on its update. */
  readonly reads: readonly Int32Array[]
  /** Updates left out because their pair is not in the events' file. */
  readonly unknownUpdates: number
  /** Updates with an event time earlier than an update before them: they get that update's time. */
  readonly backwards: number
  /** Records of a recording left out because they cannot be read, by reason. */
  readonly unreadable: readonly LostRecords[]
  /** Updates left out because their time is impossible; absent if there are none. */
  readonly mistimed?: MistimedUpdates | undefined
}

export interface MistimedUpdates {
  readonly updates: number
  /** Updates in the file. */
  readonly of: number
  /** The first of them: its place, its time and that of an update near it, in ms since the epoch. */
  readonly place: string
  readonly eventTimeMs: number
  readonly otherEventTimeMs: number
}

export interface PriceTapeOptions {
  /** A recording, or NDJSON of price records. */
  readonly prices: string
  /** CSV of pairs and events. Without it, siblings are pairs with the same `group`. */
  readonly events: string | undefined
  /** The most reads of one update. */
  readonly maxReads: number
  /** Time between two updates of one event time. */
  readonly spacingUs: number
  /** How records of topics are read that are not of our own format; `topic`: that of the lines of a file. */
  readonly formats?: Formats | undefined
  readonly topic?: string | undefined
  readonly signal?: AbortSignal
  /** Called for each line that cannot be read. Default: throws `bad-file`. */
  readonly onBadLine?: OnBadLine
}

/**
 * Read model `siblings`: on an update of A the detector reads the other pairs of A's event, in the order of the file.
 * Rejects with `no-such-file`, `corrupt-recording` or `bad-file`, naming file, line and column; `bad-file` also if most
 * updates have impossible times. Rejects with the signal's reason when it is aborted.
 */
export async function readPriceTape(options: PriceTapeOptions): Promise<PriceTape> {
  const { prices, events, formats, topic, signal, onBadLine } = options
  const siblings = events === undefined ? new GroupSiblings() : await readEvents(events, signal, onBadLine)
  const timeline = new Timeline<Recorded['place']>()
  let of = 0
  let unknownUpdates = 0
  const unreadable = new LostLedger()
  const add = ({ updates, place }: Recorded): void => {
    of += updates.length
    for (const update of updates) {
      const pairId = siblings.idOf(update)
      if (pairId === undefined) unknownUpdates++
      else timeline.add({ pairId, chain: update.chain, eventTimeMs: update.eventTimeMs, place })
    }
  }
  const onUnreadable = (reason: string, record: ReplayRecord) => unreadable.add(reason, 1, placeText(prices, record))
  for await (const recorded of recordedUpdates(prices, { formats, topic, signal, onUnreadable, onBadLine }))
    for (const each of recorded) add(each)
  if (of === 0) throw new SimulationError('bad-file', `${prices} has no price update: expected one a line`)
  const { pairIds, timesUs, batches, backwards, mistimed: first } = timeline.times(options.spacingUs)
  const mistimed = first && mistimedOf(first, { prices, of, updates: of - unknownUpdates - pairIds.length })
  const reads = siblings.reads(options.maxReads)
  if (!pairIds.some((pairId) => reads[pairId]?.length !== 0))
    throw new SimulationError('bad-file', `${prices} has no update on which anything is read: ${expected(events)}`)
  return {
    ...{
      name: prices,
      pairs: siblings.pairs,
      names: siblings.names,
      reads,
      unknownUpdates,
      backwards,
      unreadable: unreadable.list(),
      mistimed,
    },
    updates: Int32Array.from(pairIds),
    timesUs: Float64Array.from(timesUs),
    batches: Int32Array.from(batches),
  }
}

function expected(events: string | undefined): string {
  if (events === undefined) return 'expected updates with a `group` that they share, or --events'
  return `expected updates of pairs that share an event in ${events}`
}

/** Throws if most updates are mistimed: the rest would say nothing about the traffic. */
function mistimedOf(
  { place: at, eventTimeMs, otherEventTimeMs }: Mistimed<Recorded['place']>,
  { prices, of, updates }: { readonly prices: string; readonly of: number; readonly updates: number },
): MistimedUpdates {
  const place = placeText(prices, at)
  if (updates * 2 <= of) return { updates, of, place, eventTimeMs, otherEventTimeMs }
  const [its, other] = [eventTimeMs, otherEventTimeMs].map((ms) => new Date(ms).toISOString())
  throw new SimulationError(
    'bad-file',
    `${place}: its event time is ${its}, but updates near it are of ${other}; ${updates} of ${of} updates are that far from those near them: expected times that rise`,
  )
}
