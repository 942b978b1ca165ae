/**
 * Pairs that no level has, for a moment: a detector that asks again and again for one does not ask Redis and the source
 * each time. An update ends it at once, because it moves the pair's floor; a value that another node wrote is found when
 * the time is over.
 */

const REMEMBERED_MS = 2_000
/** The oldest is forgotten when there are more. */
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

  has(pairId: number, floor: number, nowMs: number): boolean {
    const absent = this.#until.get(pairId)
    if (absent === undefined) return false
    if (absent.ms > nowMs && absent.floor === floor) return true
    this.#until.delete(pairId)
    return false
  }
}
