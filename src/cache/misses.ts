/**
 * The pairs that reads missed most often of late, in a table of fixed size. Each place keeps one pair, and counts how much
 * more often it was missed than the other pairs of that place (Boyer and Moore's majority vote).
 */

const PLACES = 4_096

export class Misses {
  readonly #pairs = new Int32Array(PLACES)
  readonly #counts = new Int32Array(PLACES)

  add(pairId: number): void {
    const place = pairId & (PLACES - 1)
    if (this.#pairs[place] === pairId + 1) {
      this.#counts[place] = (this.#counts[place] as number) + 1
    } else if ((this.#counts[place] as number) <= 1) {
      this.#pairs[place] = pairId + 1
      this.#counts[place] = 1
    } else this.#counts[place] = (this.#counts[place] as number) - 1
  }

  /** Up to `limit` pairs that were missed at least `atLeast` times, most often first. Counting starts anew. */
  drain(atLeast: number, limit: number): readonly number[] {
    const often = Array.from(this.#pairs.keys())
      .filter((place) => (this.#counts[place] as number) >= atLeast)
      .sort((a, b) => (this.#counts[b] as number) - (this.#counts[a] as number))
      .slice(0, limit)
      .map((place) => (this.#pairs[place] as number) - 1)
    this.#counts.fill(0)
    this.#pairs.fill(0)
    return often
  }
}
