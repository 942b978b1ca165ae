import type { Broker } from '../../broker/port.ts'
import { LostLedger, type ReplaySource } from './source.ts'
import { TopicPass } from './topic-pass.ts'
import { resolveTopicRange, type TopicRange, type TopicRangeRequest } from './topic-range.ts'

export interface TopicSourceOptions extends TopicRangeRequest {
  readonly broker: Broker
  /** No end: records are handed out as they come, in the order of arrival, until the signal is aborted. */
  readonly follow?: boolean
  /** After how long without a record that is known to exist reading fails with `stalled`. */
  readonly stallMs?: number
}

const DEFAULT_STALL_MS = 60_000

/** The range is fixed here: what is written afterwards is not part of it, unless it is followed. */
export async function openTopics(options: TopicSourceOptions): Promise<ReplaySource> {
  const { broker, follow = false, stallMs = DEFAULT_STALL_MS } = options
  const admin = broker.admin()
  await admin.connect()
  let range: TopicRange
  let clusterId: string
  try {
    range = await resolveTopicRange(admin, options)
    clusterId = await admin.clusterId()
  } finally {
    await admin.close()
  }
  const lost = new LostLedger()
  let pass: TopicPass | undefined
  return {
    origin: { topics: range.partitions, clusterId, stateHash: undefined },
    read: (signal) => {
      lost.clear()
      pass = new TopicPass({ broker, range, follow, stallMs, lost })
      return pass.read(signal)
    },
    fraction: () => (follow ? undefined : (pass?.fraction ?? 0)),
    lost: () => lost.list(),
  }
}
