import type { NamedPair } from '../../schemas/price-object.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { Refused } from '../../schemas/refusal.ts'
import type { PairIds, UpdateColumns } from '../../schemas/update-columns.ts'
import type { KafkaRecord } from '../kafka-record.ts'

/** What a record says. A record that says nothing of prices, by the format's own rules, is skipped. */
export interface Said {
  readonly ok: true
  readonly updates: readonly PriceUpdate[]
  /** Pairs that are delisted. A record has either these or updates. */
  readonly deleted: readonly NamedPair[]
  /** Parts of the record that were skipped, or 1 for the record itself. */
  readonly skipped: number
  /** How many updates had a number of more digits than a double holds. */
  readonly rounded: number
}

export type Decoded = Said | Refused

/** A record cannot be read yet: the schema by which it was written is not here. */
export interface Held {
  readonly reason: string
  /** Resolves when the request under way has an answer or has failed; undefined: there is none, ask again later. */
  readonly settled: Promise<void> | undefined
}

/** How the records of a topic are read. */
export interface Format {
  /** As it is named in the settings, for people. */
  readonly name: string
  decode(record: KafkaRecord): Decoded
  /** Whether a record cannot be read yet. If there is this function, it is asked before `decode`. */
  held?(record: KafkaRecord): Held | undefined
  /** Whether `decodeFast` may be asked for a record of such headers; without this function, for any. */
  isFast?(headers: KafkaRecord['headers']): boolean
  /** Appends the updates of a record of usual form to the columns. False is no verdict, and appends none. */
  decodeFast?(value: Buffer, columns: UpdateColumns, ids: PairIds): boolean
}

export const SKIPPED: Said = { ok: true, updates: [], deleted: [], skipped: 1, rounded: 0 }
