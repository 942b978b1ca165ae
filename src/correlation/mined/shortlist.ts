/** The best few of many members, best first; among equals the first one proposed. */
export class Shortlist {
  readonly members: Int32Array
  readonly #scores: Float64Array
  count = 0

  constructor(size: number) {
    this.members = new Int32Array(size)
    this.#scores = new Float64Array(size)
  }

  propose(member: number, score: number): void {
    const scores = this.#scores
    let place = this.count
    if (place === scores.length) {
      if (score <= (scores[place - 1] as number)) return
      place--
    } else this.count++
    for (; place > 0 && score > (scores[place - 1] as number); place--) {
      scores[place] = scores[place - 1] as number
      this.members[place] = this.members[place - 1] as number
    }
    scores[place] = score
    this.members[place] = member
  }
}
