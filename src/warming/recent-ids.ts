/** The last `limit` ids. The least recently seen one is forgotten first. */
export class RecentIds {
  readonly #limit: number
  readonly #ids = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Returns false if the id was known already. */
  add(id: string): boolean {
    const isNew = !this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > this.#limit) for (const oldest of this.#ids) return this.#ids.delete(oldest) && isNew
    return isNew
  }
}
