export interface Timed<Place> {
  readonly pairId: number
  readonly chain: string
  readonly eventTimeMs: number
  readonly place: Place
}

/** The updates that have a time. */
export interface Times<Place> {
  readonly pairIds: readonly number[]
  /** Whole microseconds since the epoch; never falling. */
  readonly timesUs: readonly number[]
  /** Of each, the first of those of its event time. */
  readonly batches: readonly number[]
  /** Updates that were late, and are as of the time before them. */
  readonly backwards: number
  /** The first update that was left out; undefined where none was. */
  readonly mistimed: Mistimed<Place> | undefined
}

/** An update whose time cannot be: where it stands, its event time, and that of one after it, or of its pair before. */
export interface Mistimed<Place> {
  readonly place: Place
  readonly eventTimeMs: number
  readonly otherEventTimeMs: number
}

/** The latest event times: of a chain, and of each of its pairs. */
interface Latest {
  ms: number
  readonly ofPairMs: Map<number, number>
}

interface Chain {
  /** Of all updates. */
  readonly told: Latest
  /** Of those that are taken. */
  readonly taken: Latest
}

/** Feeds are out of order by seconds, and so far ahead of its clock a node takes an event time. */
const FAR_MS = 60_000
/** Chains may be so far apart, each with a clock or a delay of its own. */
const APART_MS = 3_600_000
/** Updates that are looked at after one that leaps: more than one record holds, all of which may be wrong. */
const LOOKED_AT = 10_000

/**
 * A clock finer than the feed's: updates of one event time stand a little apart, and what is late is handled when it
 * comes, as in a node. A node's clock is moved by no update, this one is; so what would put it wrong is left out, as a
 * node leaves it: what is far ahead of its time, which those after it tell, and what is far older than its pair is
 * already. Chains go by clocks of their own, and a pair that is seldom traded may be as old as it likes.
 */
export class Timeline<Place> {
  readonly #pairIds: number[] = []
  readonly #timesMs: number[] = []
  readonly #chainOf: Chain[] = []
  readonly #chains = new Map<string, Chain>()
  /** By update. Of those only that may be the first that is left out: what leaps, and the first that is behind. */
  readonly #places = new Map<number, Place>()
  #isAnyBehind = false
  /** By update: the earliest event time from it on. Where that is not far behind, there is nothing to look for. */
  #earliestFrom = new Float64Array(0)

  add({ pairId, chain: name, eventTimeMs, place }: Timed<Place>): void {
    const chain = this.#chain(name)
    const isFirstBehind = !this.#isAnyBehind && isBehind(chain.told, pairId, eventTimeMs)
    if (isFirstBehind) this.#isAnyBehind = true
    if (isFirstBehind || isLeap(chain.told, eventTimeMs)) this.#places.set(this.#timesMs.length, place)
    note(chain.told, pairId, eventTimeMs)
    this.#chainOf.push(chain)
    this.#pairIds.push(pairId)
    this.#timesMs.push(eventTimeMs)
  }

  /** Once, after the last update: whether a time can be is told by those after it. */
  times(spacingUs: number): Times<Place> {
    this.#earliestFrom = earliestFrom(this.#timesMs)
    const pairIds: number[] = []
    const timesUs: number[] = []
    const batches: number[] = []
    let highestMs = Number.NEGATIVE_INFINITY
    let backwards = 0
    let mistimed: Mistimed<Place> | undefined
    for (const [update, eventTimeMs] of this.#timesMs.entries()) {
      const otherEventTimeMs = this.#take(update)
      if (otherEventTimeMs !== undefined) {
        mistimed ??= { place: this.#places.get(update) as Place, eventTimeMs, otherEventTimeMs }
        continue
      }
      const at = pairIds.push(this.#pairIds[update] as number) - 1
      const before = timesUs[at - 1] ?? Number.NEGATIVE_INFINITY
      if (eventTimeMs < highestMs) backwards++
      const isNew = eventTimeMs > highestMs
      timesUs.push(isNew ? Math.max(eventTimeMs * 1000, before) : before + spacingUs)
      batches.push(isNew ? at : (batches[at - 1] ?? 0))
      highestMs = Math.max(highestMs, eventTimeMs)
    }
    return { pairIds, timesUs, batches, backwards, mistimed }
  }

  #chain(name: string): Chain {
    const known = this.#chains.get(name)
    if (known !== undefined) return known
    const chain = { told: noTime(), taken: noTime() }
    this.#chains.set(name, chain)
    return chain
  }

  /** Undefined where the update is taken; otherwise the event time that it is far from. */
  #take(update: number): number | undefined {
    const { taken } = this.#chainOf[update] as Chain
    const pairId = this.#pairIds[update] as number
    const eventTimeMs = this.#timesMs[update] as number
    const behindMs = isLeap(taken, eventTimeMs) ? this.#firstBehind(update) : undefined
    if (behindMs !== undefined) return behindMs
    if (isBehind(taken, pairId, eventTimeMs)) return taken.ofPairMs.get(pairId)
    note(taken, pairId, eventTimeMs)
    return undefined
  }

  /** Where most updates after it are far behind it, of its own chain or of all, the time of the first of them. */
  #firstBehind(update: number): number | undefined {
    const chain = this.#chainOf[update]
    const eventTimeMs = this.#timesMs[update] as number
    if ((this.#earliestFrom[update + 1] as number) >= eventTimeMs - FAR_MS) return undefined
    const end = Math.min(this.#timesMs.length, update + 1 + LOOKED_AT)
    const its = { updates: 0, behind: 0, firstMs: Number.NaN }
    const all = { updates: 0, behind: 0, firstMs: Number.NaN }
    for (let later = update + 1; later < end; later++) {
      const laterMs = this.#timesMs[later] as number
      count(all, laterMs, eventTimeMs - APART_MS)
      if (this.#chainOf[later] === chain) count(its, laterMs, eventTimeMs - FAR_MS)
    }
    return [its, all].find(({ updates, behind }) => behind * 2 > updates)?.firstMs
  }
}

/** One more than there are: after the last, no time is behind any. */
function earliestFrom(timesMs: readonly number[]): Float64Array<ArrayBuffer> {
  const earliest = new Float64Array(timesMs.length + 1)
  earliest[timesMs.length] = Number.POSITIVE_INFINITY
  for (let at = timesMs.length - 1; at >= 0; at--)
    earliest[at] = Math.min(timesMs[at] as number, earliest[at + 1] as number)
  return earliest
}

function noTime(): Latest {
  return { ms: Number.NEGATIVE_INFINITY, ofPairMs: new Map() }
}

function note(latest: Latest, pairId: number, eventTimeMs: number): void {
  latest.ms = Math.max(latest.ms, eventTimeMs)
  const before = latest.ofPairMs.get(pairId)
  if (before === undefined || before < eventTimeMs) latest.ofPairMs.set(pairId, eventTimeMs)
}

function isLeap({ ms }: Latest, eventTimeMs: number): boolean {
  return eventTimeMs > ms + FAR_MS
}

function isBehind({ ofPairMs }: Latest, pairId: number, eventTimeMs: number): boolean {
  return (ofPairMs.get(pairId) ?? Number.NEGATIVE_INFINITY) > eventTimeMs + FAR_MS
}

function count(of: { updates: number; behind: number; firstMs: number }, eventTimeMs: number, limitMs: number): void {
  of.updates++
  if (eventTimeMs >= limitMs) return
  if (of.behind++ === 0) of.firstMs = eventTimeMs
}
