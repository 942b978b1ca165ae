import type { KafkaRecord } from '../kafka-record.ts'

export type TopicGroups = Readonly<Record<string, string | undefined>>

/** What the fields of an update are read from. */
export interface Scope {
  readonly item: unknown
  /** The records around the item, the innermost first. */
  readonly around: readonly unknown[]
  readonly record: KafkaRecord
  /** What the named groups of its pattern found in the topic's name. */
  readonly groups: TopicGroups
}
