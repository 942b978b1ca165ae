export interface ReplyTimes {
  /** Redis's TIME, in the same reply. */
  readonly redisMs: number
  /** On our clock, when the command was sent. */
  readonly sentAtMs: number
}

interface Hash {
  /** How far Redis's clock was ahead of ours at the last reading, at most. */
  aheadMs: number
  /** Each field's text, and the moment on our clock that it stands for. */
  readonly fields: Map<string, { readonly text: string; readonly atMs: number }>
}

/**
 * What the stamps in Redis stand for on our clock. A text is converted once, when it is new. Redis's clock may jump later, or
 * another server with another clock may have the hash: the moment that the text stands for does not change by that.
 */
export class StampTimes {
  readonly #hashes = new Map<number, Hash>()

  /** The moments of the fields of a chain's hash, as HGETALL has them. */
  of(chain: number, fields: unknown, { redisMs, sentAtMs }: ReplyTimes): Map<string, number> {
    const moments = new Map<string, number>()
    if (typeof fields !== 'object' || fields === null) return moments
    const aheadMs = redisMs - sentAtMs
    const hash = this.#hashes.get(chain) ?? { aheadMs, fields: new Map() }
    this.#hashes.set(chain, hash)
    // A text that is new was set after the last reading, on the clock of then or of now.
    const mostAheadMs = Math.max(aheadMs, hash.aheadMs)
    hash.aheadMs = aheadMs
    for (const [field, value] of Object.entries(fields)) {
      const text = String(value)
      const known = hash.fields.get(field)
      const atMs = known?.text === text ? known.atMs : Number(text) - mostAheadMs
      // A stamp from the future was set on another clock.
      const isSound = known?.text === text || Number(text) <= redisMs
      if (!isSound || !Number.isFinite(atMs)) continue
      hash.fields.set(field, { text, atMs })
      moments.set(field, atMs)
    }
    return moments
  }

  forget(chain: number): void {
    this.#hashes.delete(chain)
  }
}
