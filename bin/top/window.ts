import type { Exposition, Sample } from './exposition.ts'

type Labels = Readonly<Record<string, string>>

/** What happened between two scrapes of a node. */
export class Window {
  readonly #before: Exposition
  readonly after: Exposition
  readonly seconds: number

  constructor(before: Exposition, after: Exposition, seconds: number) {
    this.#before = before
    this.after = after
    this.seconds = seconds
  }

  /** How much a counter has grown; undefined if there is none. One that has fallen began anew with its node. */
  growth(name: string, labels: Labels = {}): number | undefined {
    const samples = this.after.of(name, labels)
    if (samples.length === 0) return undefined
    return samples.reduce((sum, sample) => sum + this.#grown(name, sample), 0)
  }

  /** Growth by second. */
  rate(name: string, labels?: Labels): number | undefined {
    const growth = this.growth(name, labels)
    return growth === undefined || this.seconds <= 0 ? undefined : growth / this.seconds
  }

  /**
   * A quantile of a histogram, 0 to 1, of what was recorded in the window; undefined if that is nothing. Within a bucket values are
   * taken to be spread evenly, and above the last bound the bound is the answer, as Prometheus's histogram_quantile does.
   */
  quantile(q: number, name: string, labels: Labels = {}): number | undefined {
    const counts = new Map<number, number>()
    for (const sample of this.after.of(`${name}_bucket`, labels)) {
      const bound = Number(sample.labels.le?.replace(/Inf$/, 'Infinity'))
      counts.set(bound, (counts.get(bound) ?? 0) + this.#grown(`${name}_bucket`, sample))
    }
    const buckets = [...counts].sort(([a], [b]) => a - b)
    const rank = q * (buckets.at(-1)?.[1] ?? 0)
    const at = buckets.findIndex(([, count]) => count >= rank)
    if (rank === 0 || at < 0) return undefined
    const [low, below] = buckets[at - 1] ?? [0, 0]
    const [high, upTo] = buckets[at] as [number, number]
    if (high === Number.POSITIVE_INFINITY) return low
    return low + ((high - low) * (rank - below)) / (upTo - below)
  }

  #grown(name: string, { labels, value }: Sample): number {
    const [before] = this.#before.of(name, labels)
    return before === undefined || before.value > value ? value : value - before.value
  }
}
