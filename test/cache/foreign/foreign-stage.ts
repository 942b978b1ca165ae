import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { ForeignReads } from '../../../src/cache/foreign/foreign-reads.ts'
import type { ForeignReadsOptions } from '../../../src/cache/foreign/foreign-reads-options.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import type { TrackedValue, Tracking, TrackingListener } from '../../../src/cache/l2/tracking.ts'
import { Sources } from '../../../src/cache/sources/sources.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { cachedPrice } from '../l2/columns.ts'

/** A level that tracks reads, whose values and messages the test gives. */
export class FakeTracking implements Tracking {
  readonly values = new Map<number, TrackedValue>()
  readonly trips: number[] = []
  silent: boolean[] = []
  resets = 0
  stamp = 10
  isAway = false
  inFlight = 0
  mostInFlight = 0
  told: TrackingListener | undefined
  opened = 0
  readonly forgotten: number[] = []

  open(listener: TrackingListener): void {
    this.told = listener
    this.opened++
    listener.armed('told')
  }

  async read(pairIds: readonly number[]) {
    this.trips.push(pairIds.length)
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    await Promise.resolve()
    this.inFlight--
    return this.isAway ? undefined : pairIds.map((pairId) => this.values.get(pairId) ?? 'gone')
  }

  async stamps() {
    return new Map([
      ['prices/0', this.stamp],
      ['left/0', 3],
    ])
  }

  async toldAll() {
    return true
  }

  reset(): void {
    this.resets++
  }

  silence(isSilent: boolean): void {
    this.silent.push(isSilent)
  }

  forgetChain(chainId: number): void {
    this.forgotten.push(chainId)
  }

  close(): void {}
}

export const PAIRS = 100_000

/** Foreign reads over such a level, on a clock that the test moves. */
export function stage(options: Partial<ForeignReadsOptions> = {}) {
  const timer = new ManualTimer(virtualClock())
  const sources = new Sources()
  const source = sources.idOf('prices', 0)
  const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS, sources })
  const tracking = new FakeTracking()
  const deleted: [number, number][] = []
  const foreign = new ForeignReads({
    tracking,
    sources,
    l1,
    maxPairs: PAIRS,
    isFollowed: () => false,
    onDeleted: (...deletion) => void deleted.push(deletion),
    pollMs: 50,
    timer: timer.start,
    now: timer.now,
    ...options,
  })
  const put = (pairId: number, version: number) =>
    tracking.values.set(pairId, { ok: true, price: cachedPrice({ version }), sourceCode: sources.codeOf(source) })
  const price = emptyPrice()
  const peek = (pairId: number) => (l1.peek(pairId, price) ? [price.version, price.asOfMs] : undefined)
  const tripsOf = async (ms: number) => {
    const before = tracking.trips.length
    await timer.advance(ms)
    return tracking.trips.slice(before)
  }
  return { foreign, tracking, timer, sources, source, l1, put, peek, deleted, tripsOf }
}
