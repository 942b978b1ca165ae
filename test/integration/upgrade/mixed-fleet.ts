import { Alarm } from '../../../src/alarm.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { Overrides } from '../../../src/config/settings.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { newChain } from '../../node/kafka-stage.ts'
import { openStage, type Stage, topicNames } from '../../node/stage.ts'
import { Market } from '../nodes/market.ts'
import { THIS_TREE } from './builds.ts'
import { Member } from './member.ts'

const PARTITIONS = 4
const PAIRS_A_CHAIN = 3
const SESSION_MS = 3_000
const ROUND = 50
const READ_EVERY_MS = 5

/** One service over a Kafka and a Redis, its market, and nodes of different builds. */
export class MixedFleet {
  readonly stage: Stage
  readonly chains: readonly string[]
  readonly market: Market
  readonly members: Member[] = []
  /** Errors of reads. */
  readonly failures: unknown[] = []

  constructor(stage: Stage) {
    this.stage = stage
    this.chains = Array.from({ length: PARTITIONS }, (_, partition) => newChain(stage, partition))
    this.market = new Market(stage, {
      pairs: this.chains.flatMap((chain) =>
        Array.from({ length: PAIRS_A_CHAIN }, (_, at) => ({ chain, pair: `P${at}` })),
      ),
      everyMs: 10,
      // Without a key a pair could be anywhere, and its topic would be one source.
      placeOf: (pair) => ({ topic: stage.topic, partition: Math.floor(pair / PAIRS_A_CHAIN), key: `${pair}` }),
    })
  }

  async start(tree: string, config: Overrides = {}): Promise<Member> {
    const { stage } = this
    const { correlationsTopic, controlTopic, ...earlier } = topicNames(stage)
    // A build refuses settings that it does not know.
    const names = tree === THIS_TREE ? { ...earlier, correlationsTopic, controlTopic } : earlier
    const member = new Member(
      tree,
      {
        ...config,
        kafka: { brokers: kafkaBrokers(), priceTopics: [stage.topic], ...names, sessionTimeoutMs: SESSION_MS },
        node: { service: stage.service, detectorTimeoutMs: 60_000, drainTimeoutMs: 60_000 },
        cache: { redisUrls: [redisUrl()], redisCommandTimeoutMs: 5_000, l1Slots: 1_000, maxPairs: 10_000 },
        warming: { rollout: 'full', timeoutMs: 5_000, controlShare: 0 },
        http: { port: 0 },
      },
      this.market.reader(),
    )
    this.members.push(member)
    member.id = await member.call('start')
    return member
  }

  /** Starts one node after the other. They share the partitions of a market that is at rest then. */
  async startTwo(first: string, second: string): Promise<readonly [first: Member, second: Member]> {
    const { market } = this
    const one = await this.start(first)
    await market.open()
    await this.isSharedBy(one)
    const other = await this.start(second)
    await this.isSharedBy(one, other)
    await market.close()
    await until('every update is handled', () => this.missing().length === 0)
    return [one, other]
  }

  async close(): Promise<void> {
    await this.market.close()
    await Promise.all(this.members.map((member) => member.kill()))
    await this.stage.close()
  }

  /** Updates that are sent from now on are handled once each, by these members and by no other: they share one group. */
  async isSharedBy(...members: readonly Member[]): Promise<void> {
    await until(`${members.length} nodes share the updates`, async () => {
      const since = this.market.updates
      const isSent = () => this.market.updates >= since + ROUND
      await until('a round of updates is handled', () => isSent() && this.missing(since, since + ROUND).length === 0)
      const handlers = numbers(since, since + ROUND).map((number) => this.#handlersOf(number))
      const found = new Set(handlers.flat())
      return (
        handlers.length === handlers.flat().length &&
        this.members.every((member) => found.has(member) === members.includes(member))
      )
    })
  }

  /** The numbers after `since` that no node has handled. */
  missing(since = 0, to = this.market.updates): readonly number[] {
    return numbers(since, to).filter((number) => this.#handlersOf(number).length === 0)
  }

  #handlersOf(number: number): readonly Member[] {
    return this.members.filter(({ handled }) => handled.has(number))
  }

  /** These members, which keep reading, have read every pair many times since. */
  async haveRead(...members: readonly Member[]): Promise<void> {
    const reads = members.map(({ state }) => state.reads)
    const many = ROUND * this.market.pairs.length
    await until('many more reads are made', () =>
      members.every(({ state }, at) => state.reads > (reads[at] ?? 0) + many),
    )
  }

  /** Has the member read all pairs every few milliseconds, until it ends, and the market judge each read. */
  keepReading(member: Member): void {
    const next = new Alarm(async () => {
      try {
        await this.readOnce(member)
        next.set(READ_EVERY_MS)
      } catch (error) {
        if (!member.isClosing) this.failures.push(error)
      }
    })
    next.set(0)
  }

  /** Has the member read each pair, and the market judge that. Reads of a member must not overlap: they are judged in order. */
  async readOnce(member: Member): Promise<void> {
    for (const [at, { atMs, reading }] of (await member.call('read', this.market.pairs)).entries())
      this.market.judge(member.state, at, reading, { atMs })
  }
}

function numbers(since: number, to: number): readonly number[] {
  return Array.from({ length: to - since }, (_, at) => since + 1 + at)
}

export async function openFleet(): Promise<MixedFleet> {
  const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('upgrade-test') })
  return new MixedFleet(await openStage({ broker, redisUrl: redisUrl(), partitions: PARTITIONS }))
}

export async function onFleet(body: (fleet: MixedFleet) => Promise<void>): Promise<void> {
  const fleet = await openFleet()
  try {
    await body(fleet)
  } finally {
    await fleet.close()
  }
}
