import { ConsumerState } from '../../../../src/broker/kafka/consumer/consumer-state.ts'
import { GroupRun } from '../../../../src/broker/kafka/consumer/group-run.ts'
import { Holding } from '../../../../src/broker/kafka/consumer/holding.ts'
import { Reading } from '../../../../src/broker/kafka/consumer/reading.ts'
import type { ConsumerTiming } from '../../../../src/broker/kafka/consumer/timing.ts'
import { Topics } from '../../../../src/broker/kafka/consumer/topics.ts'
import { encodeAssignment } from '../../../../src/broker/kafka/group/protocol.ts'
import type { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'
import type { WireRequest } from '../../../../src/broker/kafka/wire/connection.ts'
import type { TopicMetadata } from '../../../../src/broker/kafka/wire/metadata.ts'
import { ByteReader } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import {
  BrokerError,
  type BrokerEvent,
  type ConsumerOptions,
  type TopicPartition,
} from '../../../../src/broker/port.ts'
import { askedOffsets } from '../wire/asked-offsets.ts'

export const at = (partition: number): TopicPartition => ({ topic: 't', partition })

const TOPIC = { error: 0, topic: 't', isInternal: false }
const TIMING: ConsumerTiming = {
  ...{ maxWaitMs: 20, metadataAgeMs: 60_000, sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 },
  ...{ heartbeatIntervalMs: 5, groupInstanceId: undefined, commitIntervalMs: 5, stuckAfterMs: 60_000 },
  ...{ closeTimeoutMs: 50, maxBytes: 1, maxBytesPerPartition: 1 },
}

export const UNKNOWN_MEMBER = 25

export interface Commit {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly note: string
  /** What it was answered with. */
  readonly error: number
}

/** What the coordinator of one member answers next; each error counts once. */
export interface Script {
  /** Partitions that the next syncs assign; the last stays. */
  assigned: number[][]
  readonly joinErrors: number[]
  readonly beatErrors: number[]
  readonly commitErrors: number[]
  /** The leader of partition 1; that of partition 0 is 1. */
  lastLeader: number
  /** A letter that stands for the topic's id. */
  topicId: string
  /** Awaited before offsets are told. */
  lookingUp: Promise<unknown>
  /** Awaited before a join is answered. */
  joining: Promise<unknown>
}

/** One member of a group before a coordinator that answers by a script, without any socket. */
export class GroupStage {
  readonly script: Script = {
    ...{ assigned: [[0, 1]], joinErrors: [], beatErrors: [], commitErrors: [], joining: Promise.resolve() },
    lookingUp: Promise.resolve(),
    ...{ lastLeader: 1, topicId: 'a' },
  }
  /** The names of all requests, in their order. */
  readonly sent: string[] = []
  /** The member id that each join came with. */
  readonly joinedAs: string[] = []
  readonly commits: Commit[] = []
  readonly events: BrokerEvent[] = []
  readonly revoked: number[][] = []
  readonly reading: Reading
  readonly state: ConsumerState
  readonly group: GroupRun
  readonly stopping = new AbortController()
  readonly #topics: Topics
  #members = 0
  #generation = 0

  constructor({
    onBatch = async (batch) => batch.count,
    beforeCommit = async () => () => true,
    ...timing
  }: Partial<ConsumerTiming> & Partial<Pick<ConsumerOptions, 'onBatch' | 'beforeCommit'>> = {}) {
    const options: ConsumerOptions = {
      ...{
        mode: 'group',
        groupId: 'g',
        topics: ['t'],
        start: { at: 'committed', otherwise: 'earliest' },
        onBatch,
        beforeCommit,
      },
      onEvent: (event) => this.events.push(event),
      onRevoked: (partitions) => void this.revoked.push(partitions.map(({ partition }) => partition)),
    }
    this.state = new ConsumerState(options, { random: () => 0.5, onEvent: () => undefined })
    const cluster = this.#cluster()
    this.#topics = new Topics(cluster)
    const topics = this.#topics
    const parts = { cluster, options, timing: { ...TIMING, ...timing } }
    this.reading = new Reading({
      ...parts,
      emit: (event) => this.state.emit(event),
      reportFailure: nothing,
      retryMs: () => 1,
      heartbeat: () => this.group.beat(),
      mayHandle: () => this.group.mayHandle,
      ...{ onMoved: nothing, onFetchFailed: nothing, onAnswered: nothing, onAccess: nothing },
      isExplained: () => false,
    })
    this.see()
    const { reading, state, stopping } = this
    this.group = new GroupRun({
      ...parts,
      ...{ state, topics, reading, holding: new Holding(reading, state), look: async () => this.see() },
      stopping: stopping.signal,
    })
  }

  count(name: string): number {
    return this.sent.filter((each) => each === name).length
  }

  held(): number[] {
    return this.reading.all().map(({ partition }) => partition)
  }

  /** The consumer looks at the topic's metadata. */
  see(): void {
    this.#topics.note(this.#metadata())
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.group.stop()
    this.reading.stop()
  }

  #metadata(): TopicMetadata {
    const partitions = [1, this.script.lastLeader].map((leader, partition) => ({ partition, leader }))
    return { ...TOPIC, id: this.script.topicId.repeat(32), partitions }
  }

  #cluster(): Cluster {
    const send = async (request: WireRequest<unknown>): Promise<unknown> => {
      this.sent.push(request.apiName)
      const writer = new RequestWriter(request.bytes)
      request.encode(writer)
      return this.#answer(request.apiName, new ByteReader(writer.written))
    }
    return {
      metadata: async () => ({ nodes: [], clusterId: 'c', controllerId: 1, topics: [this.#metadata()] }),
      anyone: async () => ({ send }),
      send: async (node: number, _: string, request: () => WireRequest<unknown>) => {
        if (node < 0) throw new BrokerError('unreachable', `broker ${node} is not known`, { retriable: true })
        return send(request())
      },
      connection: () => new Promise(() => undefined),
      forget: nothing,
    } as unknown as Cluster
  }

  async #answer(apiName: string, request: ByteReader): Promise<unknown> {
    const { script } = this
    if (apiName === 'JoinGroup') {
      request.string()
      request.int64()
      this.joinedAs.push(request.string())
      await script.joining
      return this.#joined()
    }
    if (apiName === 'SyncGroup') {
      const partitions = (script.assigned.length > 1 ? script.assigned.shift() : script.assigned[0]) ?? []
      return { error: 0, assignment: encodeAssignment({ partitions: partitions.map(at), isMoreToCome: false }) }
    }
    if (apiName === 'Heartbeat') return script.beatErrors.shift() ?? 0
    if (apiName === 'OffsetCommit') {
      const error = script.commitErrors.shift() ?? 0
      const commits = committedBy(request)
      this.commits.push(...commits.map((commit) => ({ ...commit, error })))
      return commits.map(({ partition }) => ({ ...at(partition), error }))
    }
    if (apiName === 'OffsetFetch') return { error: 0, partitions: [] }
    if (apiName === 'ListOffsets') {
      await script.lookingUp
      return askedOffsets(request.bytes).map(({ partition }) => ({ ...at(partition), error: 0, offset: 5n }))
    }
    if (apiName === 'FindCoordinator') return { error: 0, node: 1 }
    if (apiName === 'LeaveGroup') return 0
    throw new Error(`${apiName} is not in the script`)
  }

  #joined(): unknown {
    const error = this.script.joinErrors.shift() ?? 0
    if (error === 0) this.#generation += 1
    if (error === UNKNOWN_MEMBER) this.#members += 1
    const memberId = `member ${this.#members}`
    return { error, generation: this.#generation, leaderId: 'other', memberId, members: [], protocol: '' }
  }
}

function committedBy(request: ByteReader): Omit<Commit, 'error'>[] {
  request.string()
  const generation = request.int32()
  request.string()
  request.nullableString()
  const topics = request.array(() => {
    request.string()
    return request.array(() => {
      const partition = request.int32()
      const offset = Number(request.int64())
      request.int32()
      return { generation, partition, offset, note: request.string() }
    })
  })
  return topics.flat()
}

function nothing(): void {}
