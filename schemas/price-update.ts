/** Fields of the user's own, by their names, that a format keeps beside a price. */
export type Extra = Readonly<Record<string, string | number | boolean>>

export const MAX_EXTRA_FIELDS = 16
export const MAX_EXTRA_NAME_CHARS = 64
export const MAX_EXTRA_CHARS = 1_024

/** The price of one pair at one moment, as it travels on a price topic. */
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
  /** Names pairs that move together: a sector, an event, a base token. */
  readonly group?: string
  /** Milliseconds since 1970. */
  readonly eventTimeMs: number
  readonly sequence?: number
  /** What a format keeps beside these for handlers (docs/formats.md). Our own format has none. The caches keep it with CACHE_USE_PRICE_MATRIX off. */
  readonly extra?: Extra
}

/** The numbers of a record, in the order of L1, L2 and the Avro schema. An absent number is NaN there. */
export const NUMBER_FIELDS = ['price', 'bid', 'ask', 'reserve0', 'reserve1', 'liquidity'] as const
export const NUMBER_COUNT = NUMBER_FIELDS.length

/** Whether a field may be so called. An object takes `__proto__` for something else. */
export function isExtraName(name: string): boolean {
  return name !== '' && name.length <= MAX_EXTRA_NAME_CHARS && name !== '__proto__'
}
