/** Why a price record was not taken; a label of counters and the `reason` header of dead letters. */
export type PriceRefusal =
  | 'not-json'
  | 'not-avro'
  | 'not-protobuf'
  | 'unknown-schema'
  | 'empty'
  | 'wrong-type'
  | 'not-finite'
  | 'negative'
  | 'not-exact'
  | 'missing-pair'
  | 'missing-chain'
  | 'missing-price'
  | 'missing-event-time'
  | 'event-time-zero'
  | 'event-time-seconds'
  | 'event-time-microseconds'
  | 'event-time-nanoseconds'
  | 'event-time-future'
  | 'unknown-version'
  | 'name-too-long'
  | 'bad-name'
  | 'several-chains'
  | 'bad-key'
  | 'too-large'
  | 'too-many-pairs'
  | 'too-many-chains'
  | 'format-failed'

/** A record that was not taken, and why. */
export interface Refused<Reason extends string = PriceRefusal> {
  readonly ok: false
  readonly reason: Reason
  /** One sentence for people: what was expected and what was given. */
  readonly detail: string
}

export function refused<Reason extends string>(reason: Reason, detail: string): Refused<Reason> {
  return { ok: false, reason, detail }
}
