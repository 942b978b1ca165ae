import type { UpdateColumns } from '../../schemas/update-columns.ts'
import type { Hierarchy } from '../cache/hierarchy.ts'
import type { FirstLevel } from '../cache/l1/first-level.ts'
import { type Usage, type WarmsByKind, warmsOf } from '../cache/l1/usage.ts'
import { KnownReads } from '../correlation/known-reads.ts'
import type { Tracker } from '../correlation/tracker.ts'
import type { LookAheadMode } from '../strategy/named.ts'
import { Patience } from '../strategy/patience.ts'
import type { Throttle } from '../strategy/throttle.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import { type Arms, isArmB } from './arms/arms.ts'
import type { ControlGroup } from './control-group.ts'
import { throttleOf, WARM_MS } from './triggers.ts'

/** At least so many updates are decoded before the first of them is handled; the last record may add more. */
export const WINDOW_UPDATES = 512

/** They are read at each update, so that whoever made them may change them. */
export interface LookAheadOptions {
  readonly tracker: Tracker
  readonly l1: Pick<FirstLevel, 'expect'> & { readonly usage: Pick<Usage, 'warmLimit'> }
  readonly hierarchy?: Pick<Hierarchy, 'isAbsent'>
  readonly mode: LookAheadMode
  readonly timeoutMs: number
  /** How long a trip takes of late; `auto` does not wait for reads that come later than that. */
  readonly takesMs: () => number
  /** A read that follows less often is not prefetched; 0 to 1. */
  readonly minRate: number
  /** Triggers of the second arm have a rate of their own; without arms there is one for all. */
  readonly arms?: Pick<Arms, 'areTwo' | 'cellOf' | 'wants'> | undefined
  readonly minRateB?: number | undefined
  /** Nothing is prefetched for updates of this group. */
  readonly control?: Pick<ControlGroup, 'includes'> | undefined
  /** Lets the look-ahead rest while it does not pay: in the mode `auto`. */
  readonly patience?: Pick<Patience, 'rests' | 'fetches'> | undefined
  /** Limits prefetching while warms go unread: in the other modes. */
  readonly throttle?: Pick<Throttle, 'allows'> | undefined
  /** Reads that follow this late or later are left to the triggers; WARM_MS unless given. */
  readonly warmMs?: number
  readonly metrics: Pick<Metrics, 'counter'>
  /** Loads the pairs into L1 as warms; `waits`: handlers wait for that. Never rejects. */
  readonly promote: (pairIds: readonly number[], timeoutMs: number, waits: boolean) => Promise<unknown>
}

/** What limits the look-aheads of a node. `late`: how many of their warms came after their read. */
export function limitsOf(
  mode: LookAheadMode,
  { usage, late }: { readonly usage: WarmsByKind; readonly late: () => number },
): Pick<LookAheadOptions, 'patience' | 'throttle'> {
  if (mode !== 'auto') return { throttle: throttleOf(usage, 'look-ahead') }
  const ended = () => {
    const { used, unused } = warmsOf(usage, 'look-ahead')
    return { used, unused: unused + late() }
  }
  return { patience: new Patience(ended) }
}

/**
 * A fetched batch shows the near future: its updates are known before their handlers run. The look-ahead prefetches the
 * reads known to follow these updates, in one trip. `overlap` starts the trip and goes on; `await` waits for up to
 * `timeoutMs`. `auto` waits, as long at most, if a read comes before its value otherwise would. It does nothing while
 * the reads of earlier updates do not foretell those of the next ones.
 *
 * A window holds as many updates as have reads that fit the warm part. In a larger one, the first warms would be
 * evicted before they are read.
 */
export class LookAhead {
  readonly #options: LookAheadOptions
  readonly #known = new KnownReads()
  /** All reads of the current window, and those that are missing from L1. */
  readonly #reads = new Set<number>()
  readonly #wanted: number[] = []
  readonly #loads: Counter
  readonly #waits: Counter
  /** The row after the last one of the current window. */
  #end = 0
  /** The shortest lag of a wanted read. */
  #soonestMs = 0

  constructor(options: LookAheadOptions) {
    this.#options = options
    this.#loads = options.metrics.counter('look_ahead_loads_total')
    this.#waits = options.metrics.counter('look_ahead_waits_total')
  }

  /** The columns hold new rows: the current window is over. */
  restart(): void {
    this.#end = 0
  }

  /** Must be called before each row is handled. A returned promise must be awaited before the row is handled. */
  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    const { mode, tracker, patience, timeoutMs, takesMs, promote } = this.#options
    if (row < this.#end || mode === 'off' || !tracker.hasEdges) return undefined
    if (patience?.rests(columns.count - row)) {
      this.#end = columns.count
      return undefined
    }
    this.#plan(row, columns)
    if (this.#wanted.length === 0) return undefined
    this.#loads.add(this.#wanted.length)
    patience?.fetches(this.#wanted.length)
    const waits = mode === 'await' || (mode === 'auto' && this.#soonestMs < takesMs())
    const promoted = promote(this.#wanted.slice(), timeoutMs, waits)
    if (!waits) return undefined
    this.#waits.add(1)
    return promoted
  }

  #plan(from: number, columns: UpdateColumns): void {
    const {
      tracker,
      l1,
      minRate,
      minRateB = minRate,
      arms,
      control,
      throttle,
      hierarchy,
      warmMs = WARM_MS,
    } = this.#options
    const known = this.#known
    const room = l1.usage.warmLimit
    this.#reads.clear()
    this.#wanted.length = 0
    this.#soonestMs = Number.POSITIVE_INFINITY
    let row = from
    for (; row < columns.count; row++) {
      const trigger = columns.pairIds[row] as number
      if (control?.includes(trigger, columns.eventTimesMs[row] as number)) continue
      const reads = tracker.readsAfter(trigger, known)
      const leastRate = arms?.areTwo && isArmB(arms.cellOf(trigger)) ? minRateB : minRate
      // Resident pairs count too: the warms of the others may evict them before they are read.
      if (this.#reads.size + reads > room && row > from) break
      for (let i = 0; i < reads && this.#wanted.length < room; i++) {
        const pairId = known.pairIds[i] as number
        if ((known.rates[i] as number) < leastRate || this.#reads.has(pairId)) continue
        // The triggers (triggers.ts) ask for later reads in time: prefetched now, they would be evicted before.
        const lagMs = known.lagsMs[i] as number
        if (lagMs >= warmMs) continue
        this.#reads.add(pairId)
        if (l1.expect(pairId) || hierarchy?.isAbsent(pairId) || !(throttle?.allows() ?? true)) continue
        this.#wanted.push(pairId)
        if (arms?.areTwo) arms.wants(pairId, trigger)
        if (lagMs < this.#soonestMs) this.#soonestMs = lagMs
      }
    }
    this.#end = row
  }
}
