/**
 * The usual tracker, written from its description in the design notes: co-occurrences within a second are counted in
 * nested maps, and a pair's followers are ranked by count ÷ the fewer of both pairs' updates. What others publish under
 * this idea also schedules, persists and evicts; that is left out here, to the anchor's favour.
 */
const WINDOW_MS = 1_000

export class NestedMaps {
  readonly #updates = new Map<string, number>()
  readonly #counts = new Map<string, Map<string, number>>()
  /** The last update of each pair, the longest ago first. */
  readonly #recent = new Map<string, number>()

  observe(pair: string, timeMs: number): void {
    this.#updates.set(pair, (this.#updates.get(pair) ?? 0) + 1)
    for (const [other, lastMs] of this.#recent) {
      if (lastMs < timeMs - WINDOW_MS) {
        this.#recent.delete(other)
      } else if (other !== pair) {
        this.#count(pair, other)
        this.#count(other, pair)
      }
    }
    this.#recent.delete(pair)
    this.#recent.set(pair, timeMs)
  }

  /** The likeliest followers, best first. */
  followers(pair: string, most: number): readonly string[] {
    const updates = this.#updates.get(pair) ?? 0
    return [...(this.#counts.get(pair) ?? [])]
      .map(([other, count]) => ({ other, score: count / Math.min(updates, this.#updates.get(other) ?? 0) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, most)
      .map(({ other }) => other)
  }

  #count(pair: string, other: string): void {
    let counts = this.#counts.get(pair)
    if (counts === undefined) {
      counts = new Map()
      this.#counts.set(pair, counts)
    }
    counts.set(other, (counts.get(other) ?? 0) + 1)
  }
}
