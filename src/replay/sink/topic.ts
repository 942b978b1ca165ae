import { chainOfKey, partitionOf } from '../../../schemas/topics.ts'
import type { Admin, Broker, Producer } from '../../broker/port.ts'
import { withAdmin } from '../../broker/with-admin.ts'
import type { ReplayTime } from '../pace.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { LostLedger, type LostRecords, type SourceOrigin } from '../source/source.ts'
import type { WrittenTimes } from '../timestamps.ts'
import { assertMayWrite, type WriteIntent } from './guard.ts'
import type { ReplaySink, ReplayTarget } from './sink.ts'
import { openTarget, TargetTopic } from './target-topic.ts'

export interface TopicSinkOptions extends Omit<WriteIntent, 'from' | 'to'> {
  readonly broker: Broker
  /** The topic that a source topic's records go to. */
  readonly targetOf: (sourceTopic: string) => string
  /** Partitions of topics that have to be created; as many as the source has unless given. */
  readonly partitions?: number | undefined
  readonly time: ReplayTime
}

interface Route {
  readonly target: TargetTopic
  /** A record keeps its partition if the target has as many. Otherwise its chain decides, as for new records. */
  readonly keepsPartition: boolean
}

export class TopicSink implements ReplaySink {
  readonly #options: TopicSinkOptions
  readonly #routes = new Map<string, Route>()
  readonly #targets = new Map<string, TargetTopic>()
  readonly #failed = new LostLedger()
  #producer: Producer | undefined

  constructor(options: TopicSinkOptions) {
    this.#options = options
  }

  async open(origin: SourceOrigin): Promise<void> {
    const { broker } = this.#options
    await withAdmin(broker, async (admin) => {
      this.#assertAllowed(origin, await admin.clusterId())
      this.#producer = broker.producer()
      await this.#producer.connect()
      await this.#route(origin, admin, this.#producer)
    })
  }

  check(times: ReadonlyMap<string, WrittenTimes>): readonly string[] {
    return [...times].flatMap(([topic, of]) => this.#routes.get(topic)?.target.check(of) ?? [])
  }

  apply(record: ReplayRecord): Promise<void> | undefined {
    const route = this.#routes.get(record.topic)
    if (route === undefined)
      throw new ReplayError(
        'corrupt-recording',
        `there are records of ${record.topic}, a topic that the source does not list`,
      )
    return route.target.add(record, partitionFor(record, route), this.#options.time.now())
  }

  async flush(): Promise<void> {
    for (const target of this.#targets.values()) await target.flush()
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.close()
  }

  targets(): readonly ReplayTarget[] {
    return [...this.#targets.values()].map((target) => target.report())
  }

  failed(): readonly LostRecords[] {
    return this.#failed.list()
  }

  #assertAllowed(origin: SourceOrigin, clusterId: string): void {
    const topics = [...origin.topics.keys()]
    assertMayWrite({
      ...this.#options,
      from: { clusterId: origin.clusterId, topics },
      to: { clusterId, topics: topics.map(this.#options.targetOf) },
    })
  }

  async #route(origin: SourceOrigin, admin: Admin, producer: Producer): Promise<void> {
    for (const [source, sourcePartitions] of origin.topics) {
      const topic = this.#options.targetOf(source)
      let target = this.#targets.get(topic)
      if (target === undefined) {
        const state = await openTarget(admin, topic, this.#options.partitions ?? sourcePartitions)
        target = new TargetTopic(state, producer, this.#failed)
        this.#targets.set(topic, target)
      }
      this.#routes.set(source, { target, keepsPartition: target.partitions === sourcePartitions })
    }
  }
}

function partitionFor(record: ReplayRecord, { target, keepsPartition }: Route): number {
  if (keepsPartition) return record.partition
  if (record.key === undefined) return record.partition % target.partitions
  return partitionOf(chainOfKey(record.key.toString('utf8')), target.partitions)
}
