export interface Timed<Place> {
  readonly pairId: number
  readonly chain: string
  readonly eventTimeMs: number
  readonly place: Place
}

/** The updates that are kept, each with its time. */
export interface Times<Place> {
  readonly pairIds: readonly number[]
  /** In whole microseconds since the epoch; never falling. */
  readonly timesUs: readonly number[]
  /** For each update, the first one of the same event time. */
  readonly batches: readonly number[]
  /** Late updates, which got the time of the update before them. */
  readonly backwards: number
  /** The first update that was left out; undefined if none was. */
  readonly mistimed: Mistimed<Place> | undefined
}

/** An update with an impossible time: its place, its event time, and that of an update near it. */
export interface Mistimed<Place> {
  readonly place: Place
  readonly eventTimeMs: number
  readonly otherEventTimeMs: number
}

/** The latest event time of a chain, and of each of its pairs. */
interface Latest {
  ms: number
  readonly ofPairMs: Map<number, number>
}

interface Chain {
  /** All updates so far. */
  readonly all: Latest
  /** Updates so far without those that are left out. */
  readonly kept: Latest
}

/** Feeds are out of order by seconds. A node accepts event times up to this far ahead of its clock. */
const FAR_MS = 60_000
/** Chains have clocks and delays of their own: they may be this far apart. */
const APART_MS = 3_600_000
/** Updates looked at after a leap: more than one record holds, as a whole record may be wrong. */
const LOOKED_AT = 10_000

/**
 * A clock finer than the feed's: updates of one event time stand a little apart, and a late update is handled when it
 * comes, as in a node. Updates move this clock, which they do not in a node. So updates that would put it wrong are left
 * out, as a node leaves them: those far ahead of their time, as later ones show, and those far older than their pair is
 * already. Each chain has a clock of its own, and a seldom traded pair may be of any age.
 */
export class Timeline<Place> {
  readonly #pairIds: number[] = []
  readonly #timesMs: number[] = []
  readonly #chainOf: Chain[] = []
  readonly #chains = new Map<string, Chain>()
  /** Places by update. Only the first update that is left out needs one: some leap, or the first that is behind. */
  readonly #places = new Map<number, Place>()
  #isAnyBehind = false
  /** For each update, the earliest event time from it on. If that is not far behind, the update cannot be ahead. */
  #earliestFrom = new Float64Array(0)

  add({ pairId, chain: name, eventTimeMs, place }: Timed<Place>): void {
    const chain = this.#chain(name)
    const isFirstBehind = !this.#isAnyBehind && isBehind(chain.all, pairId, eventTimeMs)
    if (isFirstBehind) this.#isAnyBehind = true
    if (isFirstBehind || isLeap(chain.all, eventTimeMs)) this.#places.set(this.#timesMs.length, place)
    note(chain.all, pairId, eventTimeMs)
    this.#chainOf.push(chain)
    this.#pairIds.push(pairId)
    this.#timesMs.push(eventTimeMs)
  }

  /** To be called once, after the last update: only later updates show that a time is impossible. */
  times(spacingUs: number): Times<Place> {
    this.#earliestFrom = earliestFrom(this.#timesMs)
    const pairIds: number[] = []
    const timesUs: number[] = []
    const batches: number[] = []
    let highestMs = Number.NEGATIVE_INFINITY
    let backwards = 0
    let mistimed: Mistimed<Place> | undefined
    for (const [update, eventTimeMs] of this.#timesMs.entries()) {
      const otherEventTimeMs = this.#conflictOf(update)
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
    const chain = { all: noTime(), kept: noTime() }
    this.#chains.set(name, chain)
    return chain
  }

  /** Undefined if the update is kept; otherwise the event time that it is far from. */
  #conflictOf(update: number): number | undefined {
    const { kept } = this.#chainOf[update] as Chain
    const pairId = this.#pairIds[update] as number
    const eventTimeMs = this.#timesMs[update] as number
    const behindMs = isLeap(kept, eventTimeMs) ? this.#firstBehind(update) : undefined
    if (behindMs !== undefined) return behindMs
    if (isBehind(kept, pairId, eventTimeMs)) return kept.ofPairMs.get(pairId)
    note(kept, pairId, eventTimeMs)
    return undefined
  }

  /** If most updates after it, of its chain or of all, are far behind it, the time of the first of these. */
  #firstBehind(update: number): number | undefined {
    const chain = this.#chainOf[update]
    const eventTimeMs = this.#timesMs[update] as number
    if ((this.#earliestFrom[update + 1] as number) >= eventTimeMs - FAR_MS) return undefined
    const end = Math.min(this.#timesMs.length, update + 1 + LOOKED_AT)
    const its = { updates: 0, behind: 0, firstMs: 0 }
    const all = { updates: 0, behind: 0, firstMs: 0 }
    for (let later = update + 1; later < end; later++) {
      const laterMs = this.#timesMs[later] as number
      count(all, laterMs, eventTimeMs - APART_MS)
      if (this.#chainOf[later] === chain) count(its, laterMs, eventTimeMs - FAR_MS)
    }
    return [its, all].find(({ updates, behind }) => behind * 2 > updates)?.firstMs
  }
}

/** Has one entry more than there are updates: nothing comes after the last one. */
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
