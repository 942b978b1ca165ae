import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { partitionName } from '../../../src/broker/partition-name.ts'
import type { Admin, Broker } from '../../../src/broker/port.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import type { JavaPeer, ReadPartition, ReadPartitions, ReadStart } from '../../harness/peers/java-peer.ts'
import { expectEqual, startReading } from './comparison.ts'
import { below, type Random, randomSchedule } from './schedule.ts'

const ROUND = 100
/** Small enough that an answer is cut off within a batch and does not have room for all partitions. */
const NARROW = { maxBytes: 20_000, maxBytesPerPartition: 700 }

/** Whether the producers or the broker set the timestamps. */
type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface CompareOptions {
  readonly java: JavaPeer
  readonly count: number
  readonly seed: number
  /** Default: either, at random. */
  readonly times?: TimestampType
}

export interface ComparedSchedules {
  readonly schedules: number
  readonly steps: number
  readonly records: number
}

/**
 * Runs random schedules, each in a partition of its own, and compares what our consumer and Java's read. Both read from the
 * start and from random offsets, with transactions open and after they have ended. Ours reads while the schedules run,
 * and once more in ranges with an end.
 */
export async function compareSchedules({ java, count, seed, times }: CompareOptions): Promise<ComparedSchedules> {
  const random = mulberry32(seed)
  const options = { brokers: kafkaBrokers(), clientId: uniqueName('peers') }
  const whole = createKafkaBroker(options)
  const narrow = createKafkaBroker({ ...options, ...NARROW })
  const admin = whole.admin()
  const compared = { schedules: 0, steps: 0, records: 0 }
  try {
    await admin.connect()
    for (let left = count; left > 0; left -= ROUND) {
      const round = new Round({ java, whole, narrow, admin, random, times: times ?? someTimes(random) })
      const { steps, records } = await round.run(Math.min(left, ROUND))
      compared.schedules += Math.min(left, ROUND)
      compared.steps += steps
      compared.records += records
    }
  } finally {
    await Promise.all([whole.close(), narrow.close()])
  }
  return compared
}

function someTimes(random: Random): TimestampType {
  return random() < 1 / 3 ? 'LogAppendTime' : 'CreateTime'
}

interface RoundOptions {
  readonly java: JavaPeer
  readonly whole: Broker
  readonly narrow: Broker
  readonly admin: Admin
  readonly random: Random
  readonly times: TimestampType
}

class Round {
  readonly #options: RoundOptions
  readonly #topic = uniqueName('peers')

  constructor(options: RoundOptions) {
    this.#options = options
  }

  async run(partitions: number): Promise<{ readonly steps: number; readonly records: number }> {
    const { java, whole, narrow, admin, random, times } = this.#options
    const topic = this.#topic
    const config = { 'retention.ms': '-1', 'message.timestamp.type': times }
    await admin.createTopics([{ topic, partitions, config }])
    const schedules = Array.from({ length: partitions }, (_, partition) =>
      randomSchedule(partition, { random, nowMs: Date.now() }),
    )
    const starts = schedules.map(({ partition }) => ({ topic, partition, from: 0n }))
    const fromStart = await startReading(whole, starts)
    await java.write(topic, schedules)
    await expectEqual(fromStart, await java.read(starts))
    const anywhere = await this.#anywhere()
    const fromAnywhere = await startReading(narrow, anywhere)
    await expectEqual(fromAnywhere, await java.read(anywhere))
    await java.release(random() < 0.5 ? 'commit' : 'abort')
    await expectEqual(fromAnywhere, await java.read(anywhere))
    const all = await java.read(starts)
    await expectEqual(fromStart, all)
    const ranges = (await this.#anywhere()).map((start) => ({ ...start, to: someEnd(start, all, random) }))
    const within = await startReading(whole, ranges)
    await expectEqual(within, rangesOf(all, ranges))
    await Promise.all([fromStart, fromAnywhere, within].map(({ consumer }) => consumer.stop()))
    await admin.deleteTopics([topic])
    return {
      steps: schedules.reduce((sum, { steps }) => sum + steps.length, 0),
      records: Object.values(all).reduce((sum, { records }) => sum + records.length, 0),
    }
  }

  /** Random offsets: within a transaction or a batch, at a marker, behind an open transaction, at the end. */
  async #anywhere(): Promise<ReadStart[]> {
    const { admin, random } = this.#options
    const offsets = await admin.offsets(this.#topic)
    return offsets.map(({ partition, high }) => ({
      ...{ topic: this.#topic, partition },
      from: random() < 0.05 ? high : BigInt(below(random, Number(high) + 1)),
    }))
  }
}

/** The part of `all` that lies in the ranges. */
function rangesOf(all: ReadPartitions, ranges: readonly (ReadStart & { readonly to: bigint })[]): ReadPartitions {
  const partitions = ranges.map(({ topic, partition, from, to }) => {
    const name = partitionName({ topic, partition })
    const { stableEnd, records } = all[name] as ReadPartition
    const isWithin = (line: string) => offsetOf(line) >= from && offsetOf(line) < to
    return [name, { position: `${to}`, stableEnd, records: records.filter(isWithin) }] as const
  })
  return Object.fromEntries(partitions)
}

function someEnd({ topic, partition, from }: ReadStart, all: ReadPartitions, random: Random): bigint {
  const end = all[partitionName({ topic, partition })]?.stableEnd
  return from + BigInt(below(random, Number(end) - Number(from) + 1))
}

function offsetOf(line: string): bigint {
  return BigInt(line.slice(0, line.indexOf(' ')))
}
