import type { WaitingLeaders, WaitingRefusal } from '../src/correlation/kept/waiting-leaders.ts'
import { WholeTopic, type WholeTopicOptions } from './whole-topic.ts'

export interface CorrelationsReaderOptions extends Omit<WholeTopicOptions, 'onRecord'> {
  readonly waiting: Pick<WaitingLeaders, 'put'>
  readonly onRefused: (reason: WaitingRefusal) => void
}

/** Reads what nodes have learned of leaders, and hands it to those that wait for it. */
export function correlationsReader(options: CorrelationsReaderOptions): WholeTopic {
  const { waiting, onRefused } = options
  const reader: WholeTopic = new WholeTopic({
    ...options,
    onRecord: (batch, record) => {
      const place = { partition: batch.partition, partitions: reader.partitions }
      const refused = waiting.put(batch.key(record), batch.value(record), place)
      if (refused !== undefined) onRefused(refused.reason)
    },
  })
  return reader
}
