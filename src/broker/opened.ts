import { closed } from './port.ts'

/** A consumer, a producer or an admin. `isClosed` means that its close is over. */
export type Closable = { readonly isClosed: boolean } & ({ close(): Promise<void> } | { stop(): Promise<void> })

/**
 * What a broker has handed out and closes at its own close. Each `add` forgets what was closed since: a process that
 * opens and closes all the time would otherwise keep it all.
 */
export class Opened {
  #kept: readonly Closable[] = []
  #isClosed = false

  /** Throws `closed` once the broker was closed. */
  add<T extends Closable>(closable: T): T {
    if (this.#isClosed) throw closed('the broker was closed: make a new one')
    this.#kept = [...this.#kept.filter(({ isClosed }) => !isClosed), closable]
    return closable
  }

  /** Closes the last one first, one after the other. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const closable of this.#kept.toReversed()) {
      if ('stop' in closable) await closable.stop()
      else await closable.close()
    }
  }
}
