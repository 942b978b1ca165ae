/** A price of one pair at one moment, as it travels on a price topic. */
export interface PriceUpdate {
  readonly pair: string
  /** The correlation domain: a blockchain, a venue group. */
  readonly chain: string
  readonly price: number
  readonly bid?: number
  readonly ask?: number
  readonly reserve0?: number
  readonly reserve1?: number
  readonly liquidity?: number
  /** Sector, event, base token: whatever moves together. */
  readonly group?: string
  /** Milliseconds since the epoch. */
  readonly eventTimeMs: number
  readonly sequence?: number
}

/** The numbers of a record, in the order in which L1, L2 and the Avro schema hold them. Absent is NaN. */
export const NUMBER_FIELDS = ['price', 'bid', 'ask', 'reserve0', 'reserve1', 'liquidity'] as const
export const NUMBER_COUNT = NUMBER_FIELDS.length
