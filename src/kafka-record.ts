/** A record as Kafka has it. */
export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly key: Buffer | undefined
  /** Undefined for a record without a value. */
  readonly value: Buffer | undefined
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
}
