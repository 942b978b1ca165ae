/** A pair that is worth a warm after an update, as far as is known. */
export interface PairToWarm {
  readonly pairId: number
  /** Handlers of the update's pair read it; or it is updated, or missed when it is read, after that pair. */
  readonly kind: 'read' | 'updated' | 'missed'
  /** The probability, 0 to 1, that this comes after the update. */
  readonly score: number
  /** From the update on. */
  readonly lagMs: number
  /** What it rests on. */
  readonly reason: string
}
