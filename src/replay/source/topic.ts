import type { Broker } from '../../broker/port.ts'
import { withAdmin } from '../../broker/with-admin.ts'
import { LostLedger, type LostRecords, type ReplaySource } from './source.ts'
import { TopicPass } from './topic-pass.ts'
import { resolveTopicRange, type TopicRange, type TopicRangeRequest } from './topic-range.ts'

/** With `follow`, records are handed out as they arrive, until the signal is aborted. */
export interface TopicSourceOptions extends TopicRangeRequest {
  readonly broker: Broker
  /** If a record that exists does not come for this long, reading fails with `stalled`. */
  readonly stallMs?: number | undefined
  /** Called when records are lost, while it is read. */
  readonly onLost?: (lost: LostRecords) => void
}

const DEFAULT_STALL_MS = 60_000

/** Fixes the range: records written later are not part of it, unless topics are followed. */
export async function openTopics(options: TopicSourceOptions): Promise<ReplaySource> {
  const { broker, follow = false, stallMs = DEFAULT_STALL_MS } = options
  const { range, clusterId } = await withAdmin(broker, async (admin) => ({
    range: await resolveTopicRange(admin, options),
    clusterId: await admin.clusterId(),
  }))
  const lost = new LostLedger(options.onLost)
  let pass: TopicPass | undefined
  return {
    origin: { topics: range.partitions, clusterId, stateHash: undefined },
    read: (signal) => {
      lost.clear()
      pass = new TopicPass({ broker, range, follow, stallMs, lost })
      return pass.read(signal)
    },
    preview: async function* (signal, max) {
      for (const edge of edgesOf(range, max))
        yield* new TopicPass({ broker, range: edge, follow: false, stallMs, lost: new LostLedger() }).read(signal)
    },
    fraction: () => (follow ? undefined : (pass?.fraction ?? 0)),
    lost: () => lost.list(),
  }
}

/** The first record of each partition, and the last one if it is sure to be read. */
function edgesOf({ ranges, partitions }: TopicRange, max: number): TopicRange[] {
  const filled = ranges.filter(({ offset, end }) => offset < end)
  const firsts = { partitions, ranges: filled.map((range) => ({ ...range, end: range.offset + 1n })) }
  const lasts = { partitions, ranges: filled.map((range) => ({ ...range, offset: range.end - 1n })) }
  return Number.isFinite(max) ? [firsts] : [firsts, lasts]
}
