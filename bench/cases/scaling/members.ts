import { setTimeout as pause } from 'node:timers/promises'
import type { Consumer, TopicPartition } from '../../../src/broker/port.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import type { Figure, Value } from '../../harness/bench.ts'
import { median } from '../../harness/quantile.ts'
import type { Stage } from '../../stages/stage.ts'

const PARTITIONS = 600
const MEMBERS = 50
const STEP = 100
const LOOK_MS = 10
const DEADLINE_MS = 60_000

/** Who holds each partition, and how long it was held by nobody. */
class Holders {
  readonly #holders = new Map<number, number>()
  readonly #freeSinceMs = new Map<number, number>()
  readonly #partitions: number
  pausesMs: number[] = []

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  assigned(member: number, partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      const sinceMs = this.#freeSinceMs.get(partition)
      if (sinceMs !== undefined) this.pausesMs.push(performance.now() - sinceMs)
      this.#freeSinceMs.delete(partition)
      this.#holders.set(partition, member)
    }
  }

  revoked(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      this.#holders.delete(partition)
      this.#freeSinceMs.set(partition, performance.now())
    }
  }

  /** Resolves to when it was seen that all partitions are held, by so many members. */
  async shared(members: number): Promise<number> {
    const deadline = performance.now() + DEADLINE_MS
    while (this.#holders.size < this.#partitions || new Set(this.#holders.values()).size < members) {
      if (performance.now() > deadline) throw new Error(`${this.#partitions} partitions were not shared out in time`)
      await pause(LOOK_MS)
    }
    return performance.now()
  }
}

/** Kafka takes its time for hundreds of partitions at once. */
async function topicOf(stage: Stage, partitions: number): Promise<string> {
  const { broker } = await stage.backends()
  const topic = await stage.topic(Math.min(STEP, partitions))
  await withAdmin(broker, async (admin) => {
    for (let count = 2 * STEP; count <= partitions; count += STEP) await admin.growTopic(topic, count)
  })
  return topic
}

/** A member joins a real group of many, and leaves it again. All members are in this process, and no updates come. */
export async function* members(stage: Stage): AsyncIterable<Figure> {
  const { broker } = await stage.backends()
  const partitions = stage.amount(PARTITIONS, 60)
  const topic = await topicOf(stage, partitions)
  const groupId = stage.unique('members')
  const holders = new Holders(partitions)
  const count = stage.amount(MEMBERS, 10)
  const memberOf = (member: number): Consumer =>
    broker.consumer({
      ...{ mode: 'group', groupId, topics: [topic], start: { at: 'committed', otherwise: 'latest' } },
      onBatch: async (batch) => batch.count,
      onAssigned: async (of) => holders.assigned(member, of),
      onRevoked: async (of) => holders.revoked(of),
    })
  const all = Array.from({ length: count }, (_, member) => memberOf(member))
  const [joinsMs, leavesMs]: [number[], number[]] = [[], []]
  try {
    await Promise.all(all.map((member) => member.start()))
    await holders.shared(count)
    holders.pausesMs = []
    for (let round = 0; round < stage.amount(stage.runs, 1); round++) {
      const newcomer = memberOf(count + round)
      const startMs = performance.now()
      await newcomer.start()
      joinsMs.push((await holders.shared(count + 1)) - startMs)
      const endMs = performance.now()
      await newcomer.stop()
      leavesMs.push((await holders.shared(count)) - endMs)
    }
  } finally {
    await Promise.all(all.map((member) => member.stop()))
  }
  const figure = (name: string, value: number): Value => ({
    ...{ kind: 'value', unit: 'ms', value },
    case: `group of ${count} members, ${partitions} partitions: ${name}`,
  })
  yield figure('one joins, until all have an owner', median(joinsMs))
  yield figure('one leaves, until all have an owner', median(leavesMs))
  yield figure('longest time of a partition without an owner', Math.max(...holders.pausesMs))
}
