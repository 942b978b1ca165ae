import type { WarmRequestProducer } from '../../producers/warm-requests.ts'
import type { Clock } from '../../src/clock.ts'
import type { RunningConfig } from '../../src/config/running/running-config.ts'
import type { Config, Role } from '../../src/config/settings.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import type { StrategySight } from '../../src/warming/strategies/asked-strategy.ts'
import { LOCAL_WARM_MS, Triggers, throttleOf, WARM_MS } from '../../src/warming/triggers.ts'
import type { Warmer } from '../../src/warming/warmer.ts'
import type { Faults } from '../faults.ts'
import type { Caches } from '../options.ts'
import { strategiesOf } from '../strategies/strategies.ts'
import type { WarmsInto } from './warms-into.ts'

export interface TriggersParts {
  /** The settings at start. */
  readonly config: Config
  /** Tells of changes of the settings. */
  readonly running: Pick<RunningConfig, 'follow'>
  readonly caches: Caches
  readonly clock: Clock
  readonly metrics: Metrics
  readonly nodeId: string
}

export interface AskedParts {
  readonly requests: WarmRequestProducer
  readonly warmer: Warmer
  readonly faults: Pick<Faults, 'notSent'>
  /** Told of an exception in a warm. That request warms nothing. */
  readonly onWarmFault: (error: unknown) => void
  /** Told of an answer of a strategy that is not taken. That update warms nothing. */
  readonly onStrategyRefused: StrategySight['onRefused']
}

/** Turns updates into warm requests: over the topic to all nodes, or to this node directly when the topic would be too slow. */
export function createTriggers(options: TriggersParts, parts: AskedParts, into: WarmsInto): Triggers {
  const { requests, warmer, faults, onWarmFault } = parts
  const { l1, control, isShadow } = into
  const { config, caches, clock, metrics, nodeId } = options
  const { usage } = l1
  const [strategy, strategyB] = strategiesOf(config, sightOf(options, parts, into))
  const lost = metrics.counter('drops_total', { reason: 'warm-request-not-sent' })
  return new Triggers({
    ...caches,
    ...{ l1, control, strategy, strategyB },
    throttles: { correlation: throttleOf(usage, 'correlation'), prediction: throttleOf(usage, 'prediction') },
    hitRatio: () => caches.upkeep.hitRatio,
    // Twice the typical duration of a warm, and a millisecond for the timer's inexactness.
    takesMs: () => Math.min(WARM_MS, 1 + 2 * warmer.typicalMs),
    clock,
    service: config.node.service,
    nodeId,
    warmMs: soonestWarmMs(config),
    publish: (made, lagMs) => {
      const request = isShadow ? { ...made, dryRun: true } : made
      if (lagMs < WARM_MS) warmer.submit(request).catch(onWarmFault)
      else requests.send(request).catch((error) => faults.notSent(config.kafka.warmRequestsTopic, error, lost))
    },
  })
}

/** What a strategy of the user's own is told. */
export function sightOf(
  { caches: { table } }: Pick<TriggersParts, 'caches'>,
  { onStrategyRefused: onRefused }: Pick<AskedParts, 'onStrategyRefused'>,
  { l1: { usage } }: Pick<WarmsInto, 'l1'>,
): StrategySight {
  return { pairName: (pairId) => table.pairName(pairId), usage, onRefused }
}

/**
 * The least lag, in milliseconds, of a read that is asked for. The look-ahead fetches earlier reads. A node with the roles
 * correlate, detect and warm asks itself; a node that lacks one of them can only use the topic, which takes longer.
 */
export function soonestWarmMs({ node }: Config): number {
  const neededToAskItself: readonly Role[] = ['correlate', 'detect', 'warm']
  return neededToAskItself.every((role) => node.roles.includes(role)) ? LOCAL_WARM_MS : WARM_MS
}
