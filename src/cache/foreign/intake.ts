import { type CachedPrice, emptyPrice } from '../cached-price.ts'
import type { TrackedValue } from '../l2/tracking.ts'
import { FOLLOWS } from '../sources/sources.ts'
import type { ForeignReadsOptions, Taking } from './foreign-reads-options.ts'
import { setMoment } from './moments.ts'
import { CLEAN, EMPTY, NONE } from './states.ts'
import type { Storm } from './storm.ts'

type IntakeOptions = Pick<ForeignReadsOptions, 'l1' | 'sources' | 'keepsOut' | 'onDeleted' | 'onUndecodable'>

/** Takes values in that were read over a connection that tells of changes. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #storm: Storm
  readonly #price: CachedPrice = emptyPrice()

  constructor(options: IntakeOptions, storm: Storm) {
    this.#options = options
    this.#storm = storm
  }

  /** Takes a value into L1, or into the rows of whoever asked for it. Returns the state of the pair. */
  take(pairId: number, value: TrackedValue, taking: Taking): number {
    const { l1, sources, keepsOut, onDeleted, onUndecodable } = this.#options
    if (value === 'gone') return EMPTY
    if (!value.ok) {
      onUndecodable?.(value.reason)
      return EMPTY
    }
    if (keepsOut?.(value.price === undefined ? value.version : value.price.version) === true) return EMPTY
    if (value.price === undefined) {
      onDeleted(pairId, value.version + 1)
      return EMPTY
    }
    const { price } = value
    price.source = sources.ofCode(value.sourceCode)
    const mayFollow = setMoment(price, sources, taking)
    const isSame = l1.peek(pairId, this.#price) && this.#price.version === price.version
    this.#storm.reread(pairId, isSame && this.#price.json?.told() !== true)
    if (taking.rows === undefined) l1.fill(pairId, price)
    else taking.rows.set(pairId, price)
    if (!mayFollow) return EMPTY
    if (!taking.isClean) return taking.isPolled ? EMPTY : NONE
    // L1 may have a newer value than L2, which has lost it or does not have it yet.
    return l1.peek(pairId, this.#price) && this.#price.asOfMs === FOLLOWS ? CLEAN : EMPTY
  }
}
