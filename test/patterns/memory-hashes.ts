import type { Answer, DayHashes, Merge, Part, Stored } from '../../src/patterns/day-hashes.ts'
import { shareOf } from '../../src/patterns/shares.ts'

/** Hashes in memory, which several stores may share. */
export class MemoryHashes {
  readonly #hashes = new Map<string, Map<string, Buffer>>()
  /** Until when the hashes of a day are kept. */
  readonly untilMs = new Map<number, number>()
  /** Set: every call fails for this reason. */
  away: string | undefined
  /** True: nothing is answered any more. */
  isSilent = false
  /** Called before an entry is read. */
  onRead: (entry: string, part: Part) => void = () => undefined
  /** Writes beyond so many are refused. */
  mostWrites = Number.POSITIVE_INFINITY
  /** True: what is written is stored, and refused. */
  losesReplies = false
  opened = 0
  writes = 0

  /** The hash in which a pair of the day is. */
  of(day: number, pair: string): Map<string, Buffer> {
    return this.#hash({ day, share: shareOf({ chain: 'ethereum', pair }) })
  }

  entries(day: number, pair: string): string[] {
    return [...this.of(day, pair).keys()]
  }

  merge(part: Part, { from, to, value, untilMs }: Merge): boolean {
    const hash = this.#hash(part)
    if (from.some((entry) => !hash.has(entry))) return false
    for (const entry of from) hash.delete(entry)
    hash.set(to, value)
    this.untilMs.set(part.day, untilMs)
    return true
  }

  /** A connection to them. */
  connection(): DayHashes {
    const reply = <T>(make: () => T): Answer<T> =>
      this.away === undefined ? { ok: true, value: make() } : { ok: false, reason: this.away }
    const answer = async <T>(make: () => T): Promise<Answer<T>> =>
      this.isSilent ? new Promise<never>(() => undefined) : reply(make)
    return {
      open: () =>
        answer(() => {
          this.opened++
        }),
      entries: (part) => answer(() => [...this.#hash(part).keys()]),
      read: (part, entry) =>
        answer(() => {
          this.onRead(entry, part)
          return this.#hash(part).get(entry)
        }),
      write: async (part, entry, stored) => {
        if (this.writes >= this.mostWrites) return { ok: false, reason: 'NOPERM hset' }
        const written = await answer(() => this.#write(part, entry, stored))
        return this.losesReplies ? { ok: false, reason: 'timeout' } : written
      },
      merge: (part, merge) => answer(() => this.merge(part, merge)),
      close: () => undefined,
    }
  }

  #write(part: Part, entry: string, { value, untilMs }: Stored): void {
    this.writes++
    this.#hash(part).set(entry, value)
    this.untilMs.set(part.day, untilMs)
  }

  #hash({ day, share }: Part): Map<string, Buffer> {
    const key = `${day} ${share}`
    const hash = this.#hashes.get(key) ?? new Map<string, Buffer>()
    this.#hashes.set(key, hash)
    return hash
  }
}
