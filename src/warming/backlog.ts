import { PRIORITIES, type WarmRequest } from '../../schemas/warm-request.ts'
import { type Due, DueQueue } from './due-queue.ts'

/** A request that waits. */
export interface Waiting extends Due {
  readonly request: Pick<WarmRequest, 'dryRun'>
  /** As many as it has pairs. */
  readonly pairIds: { readonly length: number }
  /** The index of its priority in PRIORITIES: 0 is served first and never shed. */
  readonly rank: number
}

/** The weight of a request in a bounded queue. */
function weightOf({ pairIds }: Waiting): number {
  return pairIds.length
}

/**
 * Requests that wait, for their time or for their turn. The bound counts pairs, because a request holds one or a
 * thousand. When the backlog is full, it sheds the oldest requests of the lowest priority. If too little of lower
 * priority waits, the new request is shed itself. Critical requests are never shed. They may exceed the bound;
 * `overfull` then tells the source to wait.
 */
export class Backlog<T extends Waiting> {
  readonly #maxPairs: number
  readonly #ready: readonly Set<T>[] = PRIORITIES.map(() => new Set())
  readonly #held: readonly Set<T>[] = PRIORITIES.map(() => new Set())
  readonly #due = new DueQueue<T>()
  /** The number of waiting pairs by rank. */
  readonly #weights: number[] = PRIORITIES.map(() => 0)

  constructor(maxPairs: number) {
    this.#maxPairs = maxPairs
  }

  get pairs(): number {
    return this.#pairsAbove(PRIORITIES.length)
  }

  get held(): number {
    return this.#due.size
  }

  get requests(): number {
    return this.#ready.reduce((sum, jobs) => sum + jobs.size, this.#due.size)
  }

  get overfull(): boolean {
    return this.pairs > this.#maxPairs
  }

  /** When the next held request is due. */
  get nextDueMs(): number | undefined {
    return this.#due.peek()?.dueMs
  }

  /** Returns the jobs that were shed for it; the job itself if too little of lower rank waits. */
  add(job: T, nowMs: number): T[] {
    const shed: T[] = []
    if (job.rank > 0 && this.#pairsAbove(job.rank + 1) + weightOf(job) > this.#maxPairs) return [job]
    while (this.pairs + weightOf(job) > this.#maxPairs) {
      const victim = this.#lowestBelow(job.rank)
      if (victim === undefined) break
      this.#remove(victim)
      shed.push(victim)
    }
    this.#weights[job.rank] = this.#pairsOf(job.rank) + weightOf(job)
    if (job.dueMs > nowMs) {
      this.#of(this.#held, job.rank).add(job)
      this.#due.push(job)
    } else this.#of(this.#ready, job.rank).add(job)
    return shed
  }

  /** Moves the held jobs that are due to those that wait for their turn, and returns them. */
  release(nowMs: number): T[] {
    const released: T[] = []
    for (let next = this.#due.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#due.peek()) {
      this.#due.remove(next)
      this.#of(this.#held, next.rank).delete(next)
      this.#of(this.#ready, next.rank).add(next)
      released.push(next)
    }
    return released
  }

  /** Takes the next jobs in turn, up to about `maxPairs` pairs. Dry runs and others are never taken together. */
  take(maxPairs: number): T[] {
    const taken: T[] = []
    let pairs = 0
    for (const job of this.#inTurn()) {
      if (taken.length > 0 && pairs + weightOf(job) > maxPairs) break
      if (taken.length > 0 && job.request.dryRun !== taken[0]?.request.dryRun) break
      taken.push(job)
      pairs += weightOf(job)
    }
    for (const job of taken) this.#remove(job)
    return taken
  }

  /** Takes all jobs, for the close. */
  drain(): T[] {
    const all = [...this.#ready, ...this.#held].flatMap((jobs) => [...jobs])
    for (const job of all) this.#remove(job)
    return all
  }

  *#inTurn(): Generator<T> {
    for (const jobs of this.#ready) yield* jobs
  }

  #lowestBelow(rank: number): T | undefined {
    for (let lowest = PRIORITIES.length - 1; lowest > rank; lowest--)
      for (const jobs of [this.#ready, this.#held]) for (const oldest of this.#of(jobs, lowest)) return oldest
    return undefined
  }

  #remove(job: T): void {
    this.#weights[job.rank] = this.#pairsOf(job.rank) - weightOf(job)
    if (this.#of(this.#ready, job.rank).delete(job)) return
    this.#of(this.#held, job.rank).delete(job)
    this.#due.remove(job)
  }

  #pairsOf(rank: number): number {
    return this.#weights[rank] ?? 0
  }

  /** The number of waiting pairs with a rank before `rank`. */
  #pairsAbove(rank: number): number {
    let pairs = 0
    for (let above = 0; above < rank; above++) pairs += this.#pairsOf(above)
    return pairs
  }

  #of(sets: readonly Set<T>[], rank: number): Set<T> {
    return sets[rank] as Set<T>
  }
}
