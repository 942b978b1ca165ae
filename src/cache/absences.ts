/** Why a read found no price: no level has it, it is not here yet, or a level that would know is away. */
export type Absence = 'missing' | 'unknown' | 'unavailable'

/**
 * Remembers for two seconds which pairs no level has, so that a detector that keeps asking for one does not ask Redis and
 * the source each time. An update ends that at once, because it moves the pair's floor. A value that another node wrote is
 * found when the time is over.
 */

const REMEMBERED_MS = 2_000
/** Beyond so many, the oldest is forgotten. */
const MAX_ABSENT = 65_536

export class Absences {
  readonly #until = new Map<number, { readonly ms: number; readonly floor: number }>()

  add(pairId: number, floor: number, nowMs: number): void {
    this.#until.delete(pairId)
    this.#until.set(pairId, { ms: nowMs + REMEMBERED_MS, floor })
    if (this.#until.size <= MAX_ABSENT) return
    const [oldest] = this.#until.keys()
    if (oldest !== undefined) this.#until.delete(oldest)
  }

  delete(pairId: number): void {
    this.#until.delete(pairId)
  }

  has(pairId: number, floor: number, nowMs: number): boolean {
    const absent = this.#until.get(pairId)
    if (absent === undefined) return false
    if (absent.ms > nowMs && absent.floor === floor) return true
    this.#until.delete(pairId)
    return false
  }
}
