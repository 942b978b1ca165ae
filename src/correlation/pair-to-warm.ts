/** A pair that is worth warming after an update, as far as is known. */
export interface PairToWarm {
  readonly pairId: number
  /** Handlers of the update read it; or it was mined that after the update it is updated, or missed by a read. */
  readonly kind: 'read' | 'updated' | 'missed'
  /** The probability, 0 to 1, that this happens after the update. */
  readonly score: number
  /** From the update until it happens. */
  readonly lagMs: number
  /** The evidence, for people. */
  readonly reason: string
}
