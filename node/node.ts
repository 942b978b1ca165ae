import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { WarmResult } from '../schemas/warm-result.ts'
import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker } from '../src/broker/port.ts'
import { priceSight } from '../src/cache/freshness/price-sight.ts'
import { type HierarchyStats, hierarchyStats } from '../src/cache/hierarchy-stats.ts'
import { type Optimized, optimize } from '../src/cache/optimizer.ts'
import { type Clock, isVirtual, systemClock } from '../src/clock.ts'
import { acceptedConfig, type LoadedConfig, secretsOf } from '../src/config/load.ts'
import { RunningConfig } from '../src/config/running/running-config.ts'
import type { Config, Overrides } from '../src/config/settings.ts'
import type { SharedPrices } from '../src/detect/attached-prices.ts'
import { StrayErrors } from '../src/detect/stray-errors.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { Formats } from '../src/formats/formats.ts'
import { configuredHttp } from '../src/http/configured.ts'
import { createHttpServer, type HttpServer } from '../src/http/server.ts'
import type { NodePredictor } from '../src/prediction/node-predictor.ts'
import type { SchedulesStatus } from '../src/schedules/status.ts'
import { createLog, type Log } from '../src/telemetry/log.ts'
import { createMetrics, type MetricSlab } from '../src/telemetry/metrics.ts'
import type { Telemetry } from '../src/telemetry/sdk.ts'
import { VERSION } from '../src/version.ts'
import { Watchdog } from '../src/watchdog/watchdog.ts'
import { type ForewarmNode, type NodeConfig, nodeConfig } from './api/forewarm-node.ts'
import { adjustCaches, closeCaches, createCaches, meetOtherNodes, startCaches } from './caches.ts'
import { connectionTeller, toForewarmError } from './connection.ts'
import { nodeFormats } from './consumer/formats.ts'
import { sharedConfig } from './control/shared-config.ts'
import { assertDetectorsOf, publishingOf } from './detection/outputs.ts'
import { Faults } from './faults.ts'
import { liveChecks, observeVitals, readyChecks, type Vitals, warmingHealth } from './health.ts'
import { isKeeping } from './kept/kept-correlations.ts'
import { assertNodeOptions, type Caches, type NodeOptions, overridesOf } from './options.ts'
import { type FollowingOptions, type FollowingPair, pairsToWarm } from './pairs-to-warm.ts'
import { type NodeRollout, rolloutHandle } from './rollout/handle.ts'
import { KeptKill } from './rollout/kept-kill.ts'
import { configuredRollout } from './rollout/rollout-parts.ts'
import { tellRollout } from './rollout/tell.ts'
import { schedulesStatus } from './schedules/schedules-status.ts'
import { sharedPricesOf } from './shared-prices.ts'
import { stateHashOf } from './state-hash.ts'
import { type NodeStats, statsOf } from './stats.ts'
import { createStreams, type Streams } from './streams.ts'
import { type NodeTopics, prepareTopics } from './topics.ts'

export type { ForewarmNode } from './api/forewarm-node.ts'

/**
 * Makes a node of a checked configuration; nothing runs before `start`. Throws a ForewarmError 'bad-config' that names
 * every fault, or 'bad-value' for something that is not a detector.
 */
export async function createNode(options: NodeOptions = {}): Promise<ForewarmNode> {
  assertNodeOptions(options)
  const { env = process.env, configFile: file, profile, logLevel: level } = options
  const loaded = acceptedConfig({ env, overrides: overridesOf(options), file, profile })
  const { config, warnings, formats } = loaded
  assertDetectorsOf(options.detectors ?? [], config)
  const log = createLog({ service: config.node.service, version: VERSION, secrets: secretsOf(config), level })
  for (const warning of warnings) log.warn(warning)
  return new Node({ ...options, formats: [...(options.formats ?? []), ...formats] }, loaded, log)
}

class Node implements ForewarmNode {
  readonly id = `${hostname()}-${randomUUID().slice(0, 8)}`
  readonly #running: RunningConfig
  readonly #options: NodeOptions
  readonly #log: Log
  readonly #clock: Clock
  readonly #metrics: MetricSlab
  readonly #caches: Caches
  readonly predictor: NodePredictor
  readonly rollout: NodeRollout
  readonly #keptKill: KeptKill
  readonly #broker: Broker
  readonly #watchdog: Watchdog
  readonly #faults: Faults
  readonly #formats: Formats
  readonly #strayErrors: StrayErrors
  readonly #closing = new AbortController()
  #telemetry: Telemetry | undefined
  #streams: Streams | undefined
  #http: HttpServer | undefined
  httpPort: number | undefined
  /** The start itself. When it fails, `#started` settles once everything is closed again. */
  #starting: Promise<void> | undefined
  #started: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(options: NodeOptions, loaded: LoadedConfig, log: Log) {
    const { config } = loaded
    this.#running = new RunningConfig(loaded)
    this.#options = options
    this.#log = log
    this.#clock = options.clock ?? systemClock
    this.#metrics = createMetrics()
    observeVitals(this.#metrics, () => this.#vitals())
    this.#caches = createCaches({
      ...{ waitsForL2: true, config, log, clock: this.#clock, metrics: this.#metrics },
      ...(isKeeping(config, this.#clock) && { keepsAs: this.id.slice(-8) }),
      random: options.random ?? Math.random,
      l2: options.l2 ?? 'redis',
    })
    this.#running.follow((changed) => {
      adjustCaches(this.#caches, changed)
      log.info({ changes: this.#running.changes }, 'settings have changed')
      for (const warning of this.#running.now.warnings) log.warn(warning)
    })
    this.predictor = this.#caches.prediction
    const control = () => this.#streams?.followed?.control
    const { rollout } = this.#caches
    this.#keptKill = new KeptKill({ rollout, configured: configuredRollout(config), control, log })
    this.rollout = rolloutHandle({
      ...{ id: this.id, config, caches: this.#caches, control, kept: this.#keptKill },
      ...{ clock: this.#clock, isReplay: isVirtual(this.#clock) },
    })
    this.#broker = options.broker ?? configuredKafka(config, connectionTeller(log))
    this.#faults = new Faults(log)
    this.#formats = nodeFormats(options.formats ?? [], config, log)
    this.#strayErrors = new StrayErrors({
      metrics: this.#metrics,
      ends: config.node.detectorFaults === 'end',
      onStray: (stray) => this.#faults.detectorStrayed(stray),
      close: () => this.close(),
    })
    const { watchdogMs: limitMs, service } = config.node
    const onLost = (err: Error) => log.error({ err }, 'the watchdog ended: the event loop is no longer watched')
    this.#watchdog = new Watchdog({ limitMs, service, onLost })
  }

  get config(): Config {
    return this.#running.now.config
  }

  updateConfig(changes: Overrides): NodeConfig {
    this.#running.update(changes)
    return this.getConfig()
  }

  getConfig(): NodeConfig {
    return nodeConfig(this.#running.now)
  }

  get sharedPrices(): SharedPrices {
    return sharedPricesOf(this.#caches)
  }

  start(): Promise<void> {
    if (this.#closed !== undefined)
      return Promise.reject(new ForewarmError('closed', 'a closed node does not start again: make another'))
    this.#starting ??= this.#start()
    this.#started ??= this.#starting.catch((error: unknown) =>
      this.close()
        .catch(() => undefined)
        .then(() => Promise.reject(error)),
    )
    return this.#started
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  warm(chain: string, pairs: readonly string[]): Promise<WarmResult> {
    if (this.#streams === undefined) return Promise.reject(new ForewarmError('refused', 'the node has not started'))
    return this.#streams.warmer.warmPairs(chain, pairs)
  }

  has(chain: string, pair: string): boolean {
    const pairId = this.#caches.table.find(chain, pair)
    return pairId >= 0 && this.#caches.l1.has(pairId)
  }

  pairsToWarm(chain: string, pair: string, options?: FollowingOptions): readonly FollowingPair[] {
    return pairsToWarm(this.#caches, { chain, pair, nowMs: this.#clock.now() }, options)
  }

  stateHash(): Promise<string> {
    return stateHashOf(this.#caches)
  }

  stats(): NodeStats {
    return statsOf({ ...this.#vitals(), metrics: this.#metrics, strayErrors: this.#strayErrors.count })
  }

  schedules(): SchedulesStatus {
    return schedulesStatus(this.#streams, this.config)
  }

  hierarchyStats(): HierarchyStats {
    return hierarchyStats({ ...this.#caches, metrics: this.#metrics })
  }

  optimize(): Promise<Optimized> {
    return optimize({ ...this.#caches, nowMs: () => this.#clock.now() })
  }

  async #start(): Promise<void> {
    const { config } = this
    const { signal } = this.#closing
    try {
      this.#watchdog.start()
      this.#strayErrors.start()
      // Loading the SDK takes 0.2–0.3 s, so that only a start loads it.
      const { startSdk } = await import('../src/telemetry/sdk.ts')
      this.#telemetry = startSdk({
        config,
        metrics: this.#metrics,
        serviceName: `forewarm-${config.node.service}`,
        version: VERSION,
        log: this.#log,
        spanProcessors: this.#options.spanProcessors,
      })
      await startCaches(this.#caches)
      meetOtherNodes(this.#caches)
      const l2 = this.#caches.l2.state()
      if (l2.status === 'degraded') this.#log.warn({ reason: l2.reason }, 'no L2 answers yet: going on with L1 alone')
      signal.throwIfAborted()
      await this.#startHttp()
      signal.throwIfAborted()
      const asked = { broker: this.#broker, config, log: this.#log, signal }
      const topics = await prepareTopics({ ...asked, publishing: publishingOf(this.#options) })
      signal.throwIfAborted()
      await this.#startStreams(topics)
    } catch (error) {
      if (signal.aborted) throw new ForewarmError('closed', 'closed while it started', { cause: error })
      throw toForewarmError(error)
    }
  }

  async #startStreams(topics: NodeTopics): Promise<void> {
    this.#streams = createStreams({
      ...{ running: this.#running, config: this.config, nodeId: this.id, version: VERSION },
      ...{ broker: this.#broker, topics, caches: this.#caches },
      start: this.#options.start ?? this.config.kafka.start,
      ...{ detectors: this.#options.detectors ?? [], acceptReplays: this.#options.acceptReplays ?? false },
      ...{ random: this.#options.random ?? Math.random, isAsked: () => this.#http?.isAsked ?? false },
      ...{ clock: this.#clock, metrics: this.#metrics, log: this.#log },
      ...{ faults: this.#faults, strayErrors: this.#strayErrors, formats: this.#formats },
    })
    await this.#streams.producer.connect()
    this.#closing.signal.throwIfAborted()
    await this.#streams.followed?.follow()
    tellRollout(this.#caches, this.#log)
    await Promise.all([this.#streams.warmRequests?.start(), this.#streams.prices?.start()])
    this.#closing.signal.throwIfAborted()
    void this.#streams.schedules?.start()
  }

  #vitals(): Vitals {
    return { caches: this.#caches, streams: this.#streams, formats: this.#formats }
  }

  async #startHttp(): Promise<void> {
    if (!this.config.node.roles.includes('api')) return
    this.#http = createHttpServer({
      ...configuredHttp(this.config),
      operations: {
        metrics: async (accept) => this.#telemetry?.scrape(accept) ?? { body: '', contentType: 'text/plain' },
        ready: () => readyChecks(this.#vitals()),
        warming: () => warmingHealth(this.#vitals()),
        hierarchy: () => this.hierarchyStats(),
        price: (chain, pair) => priceSight({ ...this.#caches, clock: this.#clock }, chain, pair),
        optimize: () => this.optimize(),
        config: sharedConfig(this.#running, () => this.#streams?.followed?.control),
        ...{ schedules: () => this.schedules(), tasks: () => this.#streams?.tasks, live: liveChecks },
        ...{ predictor: this.predictor, rollout: this.rollout },
      },
      onError: (err, requestId) => this.#log.error({ err, request_id: requestId }, 'a request could not be answered'),
    })
    this.httpPort = (await this.#http.start()).port
  }

  /**
   * Ends first HTTP and the consumers, so that nothing new comes in; then the producers and the write-behind; then the
   * caches and the connection below them. A start that is still under way is ended by the closed parts that it waits for.
   */
  async #close(): Promise<void> {
    this.#closing.abort()
    if (this.#starting !== undefined) this.#log.info('the node closes: it drains and commits')
    this.#keptKill.close()
    const streams = this.#streams
    streams?.kept?.endRestoring()
    const drain = { drainMs: this.config.node.drainTimeoutMs }
    const asking = [this.#http?.close(), streams?.schedules?.close()]
    await Promise.all([...asking, streams?.prices?.stop(drain), streams?.warmRequests?.stop(drain)])
    this.#formats.schemas?.close()
    await Promise.all([this.#caches.writeBehind.close(), streams?.close()])
    await this.#starting?.catch(() => undefined)
    const broker = this.#options.broker === undefined ? this.#broker.close() : undefined
    const ended = [this.#telemetry?.shutdown(), closeCaches(this.#caches), broker, this.#watchdog.close()]
    await Promise.all(ended).finally(() => this.#strayErrors.close())
    if (this.#starting !== undefined) this.#log.info('the node is closed')
    const unsaved = this.#caches.prediction.store?.unsaved
    if (unsaved !== undefined) throw unsaved
  }
}
