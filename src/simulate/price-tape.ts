import { LineFile } from '../replay/lines.ts'
import { parsePriceLine } from '../replay/price-line.ts'
import { SimulationError } from './simulation-error.ts'

/** Recorded price updates, and what a detector reads on each. Pairs are numbered in the order of the events' file. */
export interface PriceTape {
  readonly name: string
  /** Of the events' file, whether they are updated or not. */
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
}

export interface PriceTapeOptions {
  readonly prices: string
  readonly events: string
  /** Reads of an update, at most. */
  readonly maxReads: number
  /** From one update to the next of the same event time. */
  readonly spacingUs: number
}

const HEADER = 'pair,event'

/**
 * Read model `siblings`: on an update of A the detector reads the other pairs of A's event, in the order of the file.
 * Rejects with `no-such-file`, `corrupt-recording`, or `bad-file`; naming file, line and column.
 */
export async function readPriceTape(options: PriceTapeOptions): Promise<PriceTape> {
  const { idOf, reads } = await readEvents(options.events, options.maxReads)
  const times = new Timeline(options.spacingUs)
  const updates: number[] = []
  let unknownUpdates = 0
  for await (const lines of new LineFile(options.prices).read()) {
    for (const { text, number } of lines) {
      if (text.trim() === '') continue
      const line = parsePriceLine(text)
      if (!line.ok) throw bad(options.prices, number, `${line.reason}: ${line.detail}`)
      if (line.kind === 'delisted') continue
      for (const { pair, eventTimeMs } of line.updates) {
        const pairId = idOf.get(pair)
        if (pairId === undefined) {
          unknownUpdates++
          continue
        }
        updates.push(pairId)
        times.add(eventTimeMs)
      }
    }
  }
  if (updates.length === 0)
    throw new SimulationError('bad-file', `${options.prices} has no update of a pair of ${options.events}`)
  const { timesUs, batches, backwards } = times
  return {
    ...{ name: options.prices, pairs: idOf.size, reads, unknownUpdates, backwards },
    updates: Int32Array.from(updates),
    timesUs: Float64Array.from(timesUs),
    batches: Int32Array.from(batches),
  }
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

interface Events {
  readonly idOf: ReadonlyMap<string, number>
  readonly reads: readonly Int32Array[]
}

async function readEvents(path: string, maxReads: number): Promise<Events> {
  const idOf = new Map<string, number>()
  const members = new Map<string, number[]>()
  const eventOf: string[] = []
  for await (const lines of new LineFile(path).read()) {
    for (const { text, number } of lines) {
      const line = text.trim()
      if (number === 1) {
        if (line !== HEADER) throw bad(path, number, `expected the heading ${HEADER}, got ${shown(line)}`)
        continue
      }
      const [pair = '', event = '', ...more] = line.split(',')
      if (pair === '') throw bad(path, number, 'column "pair": expected a name, got nothing')
      if (event === '') throw bad(path, number, 'column "event": expected a name, got nothing')
      if (more.length > 0) throw bad(path, number, `column 3: expected two columns, got ${more.length + 2}`)
      if (idOf.has(pair)) throw bad(path, number, `column "pair": ${shown(pair)} stands in a line before`)
      eventOf.push(event)
      members.set(event, [...(members.get(event) ?? []), idOf.size])
      idOf.set(pair, idOf.size)
    }
  }
  if (idOf.size === 0)
    throw new SimulationError('bad-file', `${path} has no pairs: expected ${HEADER} and a line for each`)
  const reads = eventOf.map((event, pairId) =>
    Int32Array.from((members.get(event) ?? []).filter((other) => other !== pairId).slice(0, maxReads)),
  )
  return { idOf, reads }
}

const SHOWN_CHARACTERS = 60

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}

function bad(path: string, line: number, reason: string): SimulationError {
  return new SimulationError('bad-file', `${path}, line ${line}: ${reason}`)
}
