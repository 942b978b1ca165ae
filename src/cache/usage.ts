/** What became of warms; used + unused + dropped + live = admitted. */
export interface WarmCounts {
  admitted: number
  /** Read before they left. */
  used: number
  /** Left unread: expired or pushed out. */
  unused: number
  /** Removed because their pair was delisted. */
  dropped: number
}

/** How many slots are in use, and by what. */
export interface Usage {
  readonly slots: number
  /** The most slots that are used now, and the most that warms may hold of them: less under memory pressure. */
  readonly limit: number
  readonly warmLimit: number
  readonly resident: number
  readonly warm: number
  readonly warmCounts: Readonly<WarmCounts>
  readonly evictions: number
  readonly expirations: number
}
