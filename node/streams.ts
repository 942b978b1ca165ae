import { Acceptance, type ForeignTopic } from '../consumers/acceptance.ts'
import { createLoop, type DeadLetters } from '../consumers/loop.ts'
import { PriceUpdates, type PriceUpdatesOptions } from '../consumers/price-updates.ts'
import { WarmRequests } from '../consumers/warm-requests.ts'
import { createWarmRequestProducer } from '../producers/warm-requests.ts'
import { createWarmResultProducer, type WarmResultProducer } from '../producers/warm-results.ts'
import { CatchUp } from '../src/broker/catch-up.ts'
import { settlesWithin } from '../src/broker/deadline.ts'
import type { Broker, BrokerEvent, Consumer, Producer } from '../src/broker/port.ts'
import { priceTopicPattern } from '../src/broker/price-topics.ts'
import { Following } from '../src/cache/freshness/following.ts'
import { isVirtual } from '../src/clock.ts'
import type { RunningConfig } from '../src/config/running/running-config.ts'
import type { Config, Role } from '../src/config/settings.ts'
import type { Detector } from '../src/detect/detector.ts'
import type { DetectorStats } from '../src/detect/runner.ts'
import type { StrayErrors } from '../src/detect/stray-errors.ts'
import type { Log } from '../src/telemetry/log.ts'
import { Interest } from '../src/warming/interest.ts'
import { Warmer } from '../src/warming/warmer.ts'
import { report } from './consumer/broker-events.ts'
import { createLetters } from './consumer/dead-letters.ts'
import { tellUnread } from './consumer/formats.ts'
import { observeLag } from './consumer/lag.ts'
import { createDetection, type Detection } from './detection/detection.ts'
import type { Faults } from './faults.ts'
import { KeptCorrelations } from './kept/kept-correlations.ts'
import { FollowedControl } from './rollout/node-rollout.ts'
import type { AskedParts, TriggersParts } from './rollout/triggers.ts'
import { createWays } from './rollout/ways.ts'
import { createRunLog, createSchedules } from './schedules/create-schedules.ts'
import type { NodeSchedules } from './schedules/node-schedules.ts'
import { refusalTeller } from './strategies/strategies.ts'
import { NodeTasks } from './tasks/node-tasks.ts'
import { followTopic, type NodeTopics } from './topics.ts'

/** The consumers and producers of a node, over its caches. */
export interface Streams {
  readonly producer: Producer
  readonly warmer: Warmer
  readonly tasks: NodeTasks
  /** Undefined in a replay, which no operator governs. */
  readonly followed: FollowedControl | undefined
  /** Undefined if nothing is scheduled here. */
  readonly schedules: NodeSchedules | undefined
  readonly kept: Pick<KeptCorrelations, 'check' | 'endRestoring'> | undefined
  readonly prices: Consumer | undefined
  readonly warmRequests: Consumer | undefined
  /** The price topics nearly all of whose records are refused. */
  foreignTopics(): readonly ForeignTopic[]
  /** Price records that are still unread in partitions that have not been read to their end. 0: caught up. */
  behindRecords(): number
  detectors(): readonly DetectorStats[]
  /** Resolves when everything that was produced is sent, or Kafka did not take it in time. */
  close(): Promise<void>
}

export interface StreamsOptions extends TriggersParts, Pick<PriceUpdatesOptions, 'formats'> {
  readonly running: RunningConfig
  readonly version: string
  readonly broker: Broker
  readonly topics: NodeTopics
  readonly detectors: readonly Detector[]
  readonly strayErrors: StrayErrors
  readonly start: 'earliest' | 'latest'
  readonly random: () => number
  /** Whether callers over HTTP wait at the moment. */
  readonly isAsked: () => boolean
  readonly acceptReplays: boolean
  readonly log: Log
  readonly faults: Faults
}

/** How long a closing node waits for Kafka to take the last warm requests and results. */
const FLUSH_MS = 1_000

type TopicEvent = Extract<BrokerEvent, { type: 'topic' }>

export function createStreams(options: StreamsOptions): Streams {
  const { config, broker, topics, caches, faults } = options
  const producer = broker.producer()
  const interest = new Interest(caches.table, caches.arrivals)
  const { warmRequestsTopic: topic, warmResultsTopic } = config.kafka
  const warmer = createWarmer(options, interest)
  const requests = createWarmRequestProducer({ producer, topic, partitions: topics.warmRequestPartitions })
  const partitions = topics.warmResultPartitions
  const results = createWarmResultProducer({ producer, topic: warmResultsTopic, partitions })
  const [catchUp, acceptance] = [new CatchUp(), new Acceptance(faults)]
  const onWarmFault = warmFaultOf(options, faults)
  const l2TtlMs = config.cache.l2TtlSeconds * 1000
  const following = new Following({ ...caches, counts: topics.prices.counts, l2TtlMs, onUnkept: faults.unkept })
  const detection = createDetection(options, { interest, producer })
  const { kept, followed, runLog } = operatedOf(options, producer)
  const tasks = new NodeTasks({ ...options, interest, requests, warmer })
  const wiring = followed && { control: followed.control, runLog, requests, tasks }
  const onStrategyRefused = refusalTeller(options.metrics, faults)
  const sending = { producer, requests, warmer, tasks, onWarmFault, onStrategyRefused, faults }
  const parts = { ...sending, interest, catchUp, acceptance, kept, detection, following }
  const answers = answersOf(options, parts, results)
  const roles = new Set<Role>(config.node.roles)
  const reads = roles.has('correlate') || roles.has('detect')
  if (reads && options.formats !== undefined) tellUnread(options.formats, topics.prices.topics, options.log)
  if (reads) faults.subscribedInVain(options.detectors, topics.prices.topics)
  const prices = reads ? createPriceConsumer(options, parts) : undefined
  return {
    producer,
    warmer,
    tasks,
    prices,
    warmRequests: roles.has('warm') ? createWarmConsumer(options, parts, answers) : undefined,
    kept,
    followed,
    schedules: wiring && createSchedules(options, wiring),
    foreignTopics: () => acceptance.foreign,
    behindRecords: () => catchUp.behindRecords(prices?.lag() ?? []),
    detectors: () => detection.runner.stats(),
    close: async () => {
      detection.close()
      following.close()
      for (const part of [followed, kept, tasks, warmer]) await part?.close()
      await answers.answered()
      await settlesWithin(Promise.all([requests.close(), results.close()]), FLUSH_MS)
      await producer.close({ flushMs: FLUSH_MS })
      faults.flush()
    },
  }
}

function createWarmer(
  { config, caches, clock, metrics, nodeId, acceptReplays }: StreamsOptions,
  interest: Interest,
): Warmer {
  const { service } = config.node
  const topic = config.kafka.warmRequestsTopic
  const isInterested = (chain: string, pair: string) => interest.includes(chain, pair)
  const warmer = new Warmer({ ...caches, service, nodeId, topic, clock, metrics, isInterested, acceptReplays })
  if (isVirtual(clock)) clock.onMove(() => warmer.releaseDue())
  return warmer
}

/** The parts that follow compacted topics of the service. */
function operatedOf(options: StreamsOptions, producer: Producer) {
  const { clock, caches, topics } = options
  const parts = { ...options, producer, onEvent: (event: BrokerEvent) => report(options, event) }
  const { kept } = caches
  const runLog = createRunLog(options)
  const onOther = (setting: string, value: Buffer) => runLog.read(setting, value)
  return {
    runLog,
    kept: kept && new KeptCorrelations({ ...parts, kept, topic: topics.correlations }),
    followed: isVirtual(clock) ? undefined : new FollowedControl({ ...parts, onOther }),
  }
}

const ROUNDED = 'numbers of this topic have more digits than a double holds: they are rounded'

/** No caller waits for a warm, so its exceptions end here: counted and logged. */
function warmFaultOf({ metrics }: StreamsOptions, faults: Faults): (error: unknown) => void {
  const faulty = metrics.counter('warm_requests_refused_total', { reason: 'fault' })
  return (error) => {
    faulty.add(1)
    faults.warmFaulty(error)
  }
}

/** The parts that the consumers of one node share. */
interface Parts extends AskedParts {
  readonly producer: Producer
  readonly tasks: NodeTasks
  readonly kept: KeptCorrelations | undefined
  readonly interest: Interest
  readonly catchUp: CatchUp
  readonly acceptance: Acceptance
  readonly faults: Faults
  readonly detection: Detection
  readonly following: Following
}

function createPriceConsumer(options: StreamsOptions, parts: Parts): Consumer {
  const { config, broker, topics } = options
  const groupId = priceGroup(config)
  const deadLetters = createLetters(options, groupId, parts)
  const updates = new PriceUpdates(priceUpdatesOptions(options, parts, deadLetters))
  const matches = priceTopicPattern(config.kafka.priceTopics, config.kafka)
  const loop = createLoop({
    handlerOf: (topic, partition) => updates.lane(topic, partition),
    deadLetters,
    onFault: (error) => parts.faults.recordFaulty(error),
    isAsked: options.isAsked,
  })
  const consumer = broker.consumer({
    mode: 'group',
    groupId,
    topics: topics.prices.topics,
    ...(matches !== undefined && { matches }),
    start: { at: 'committed', otherwise: options.start },
    reusesMemory: true,
    beforeCommit: () => keep(parts),
    onBatch: async (batch, context) => {
      const end = await loop(batch, context)
      parts.catchUp.handled(batch, end)
      parts.acceptance.handled(batch.topic, end)
      return end
    },
    onAssigned: async (partitions) => {
      options.metrics.counter('rebalances_total', { group: groupId }).add(1)
      parts.catchUp.assigned(partitions, consumer.lag())
      parts.following.assigned(consumer, partitions)
      await parts.kept?.assigned(consumer, partitions)
    },
    onRevoked: async (partitions, _, areLost) => {
      const kept = parts.kept?.leaving(parts.following.leaves(partitions), areLost)
      await Promise.all([options.caches.writeBehind.flush(), kept])
      parts.following.revoked(partitions)
      parts.catchUp.revoked(partitions)
      for (const { topic } of partitions) parts.acceptance.forget(topic)
    },
    onEvent: (event) => {
      report(options, event)
      if (event.type !== 'topic' || event.change === 'left-out') return
      parts.following.heard(event)
      if (event.change === 'found') observeLag(options, event.topic, { consumer, updates })
      follow(options, event)
    },
  })
  for (const topic of topics.prices.topics) observeLag(options, topic, { consumer, updates })
  return consumer
}

function keep({ kept, following }: Parts): ReturnType<Following['kept']> {
  kept?.committing()
  return following.kept()
}

/** The consumer group of the price topics. Nodes that correlate and detect share one; nodes with one of the roles share another. */
function priceGroup(config: Config): string {
  const roles = new Set<Role>(config.node.roles)
  const only = roles.has('correlate') ? (roles.has('detect') ? '' : '.correlate') : '.detect'
  return `forewarm.${config.node.service}${only}`
}

function priceUpdatesOptions(options: StreamsOptions, parts: Parts, deadLetters: DeadLetters): PriceUpdatesOptions {
  const { caches, clock, metrics } = options
  return {
    ...{ ...caches, runner: parts.detection.runner, replay: parts.detection.replay, formats: options.formats },
    ways: createWays(options, parts),
    clock,
    metrics,
    deadLetters,
    onRounded: (topic: string) => options.log.warn({ topic }, ROUNDED),
    onWarmFault: parts.onWarmFault,
  }
}

function answersOf({ config, metrics }: StreamsOptions, parts: Parts, results: WarmResultProducer): WarmRequests {
  const lost = metrics.counter('drops_total', { reason: 'warm-result-not-sent' })
  return new WarmRequests({
    warmer: parts.warmer,
    tasks: parts.tasks.turns,
    metrics,
    onFault: parts.onWarmFault,
    publish: (result) => {
      results.send(result).catch((error) => parts.faults.notSent(config.kafka.warmResultsTopic, error, lost))
    },
  })
}

function createWarmConsumer(options: StreamsOptions, parts: Parts, answers: WarmRequests): Consumer {
  const { config, broker, nodeId } = options
  return broker.consumer({
    mode: 'broadcast',
    groupId: `forewarm.${config.node.service}.warm.${nodeId}`,
    topics: [config.kafka.warmRequestsTopic],
    start: { at: 'latest' },
    onBatch: createLoop({
      handlerOf: () => answers,
      deadLetters: async () => undefined,
      onFault: parts.onWarmFault,
    }),
    onEvent: (event) => report(options, event),
  })
}

/** A topic's dead-letter topic is made where it is missing, and gets its origin's partitions. */
function follow({ broker, log }: StreamsOptions, { topic, change }: TopicEvent): void {
  if (change !== 'found' && change !== 'grown' && change !== 'made-again') return
  followTopic(broker, topic, log).catch((error: unknown) => {
    log.warn({ topic, err: error }, 'the dead-letter topic could not follow its origin')
  })
}
