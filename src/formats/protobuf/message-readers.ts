import type { Mapping } from '../mapping/mapping.ts'
import type { TopicGroups } from '../scope.ts'
import { compiled, type SchemaFault } from './compile.ts'
import type { MessageReader } from './message-reader.ts'
import type { MessageType } from './proto-schema.ts'
import { rowPlanOf } from './row-plan.ts'
import { RowReader } from './row-reader.ts'

export interface OnTopic {
  readonly topic: string
  readonly groups: TopicGroups
}

/** The readers of a message: the exact one, and the fast one, if the mapping says no more than that can do. */
export interface MessageReaders {
  readonly objects: MessageReader
  readonly rows: RowReader | undefined
  readonly faults: readonly SchemaFault[]
}

export function messageReaders(mapping: Mapping, message: MessageType, on: OnTopic): MessageReaders {
  const { reader: objects, faults } = compiled(mapping, message)
  const plan = faults.some(({ isAbsent }) => !isAbsent) ? undefined : rowPlanOf(message, mapping, on)
  return { objects, faults, rows: plan && new RowReader(plan, mapping.zeroIsAbsent) }
}
