/** What a broker gives out. `isClosed`: nothing of it is left to be waited for. */
export type Closable = { readonly isClosed: boolean } & ({ close(): Promise<void> } | { stop(): Promise<void> })

/**
 * What a broker gave out and is to close when it is closed itself. What was closed before that is forgotten when another
 * is given out, or a process that opens and closes for all its life would keep it all.
 */
export class Opened {
  #kept: readonly Closable[] = []

  add<T extends Closable>(closable: T): T {
    this.#kept = [...this.#kept.filter(({ isClosed }) => !isClosed), closable]
    return closable
  }

  /** In reverse, one after the other. */
  async close(): Promise<void> {
    for (const closable of this.#kept.toReversed()) {
      if ('stop' in closable) await closable.stop()
      else await closable.close()
    }
  }
}
