/** The ids seen last, at most `limit` of them; the one that was not seen for the longest time goes first. */
export class RecentIds {
  readonly #limit: number
  readonly #ids = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when the id was here already. */
  add(id: string): boolean {
    const isNew = !this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > this.#limit) for (const oldest of this.#ids) return this.#ids.delete(oldest) && isNew
    return isNew
  }
}
