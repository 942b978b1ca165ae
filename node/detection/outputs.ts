import { setTimeout as delay } from 'node:timers/promises'
import { DetectorOutputs } from '../../producers/detector-outputs.ts'
import { DEAD_LETTER_SUFFIX } from '../../schemas/topics.ts'
import { type Admin, BrokerError, type Producer } from '../../src/broker/port.ts'
import { ownTopicNames, priceTopicPattern } from '../../src/broker/price-topics.ts'
import { isVirtual } from '../../src/clock.ts'
import type { Config } from '../../src/config/settings.ts'
import { assertDetectors, type Detector } from '../../src/detect/detector.ts'
import { Outputs } from '../../src/detect/outputs.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import type { Faults } from '../faults.ts'
import type { NodeOptions } from '../options.ts'

/** Throws a ForewarmError 'bad-value' for what is no detector, and for an output topic that others write to or read. */
export function assertDetectorsOf(detectors: readonly Detector[], { kafka }: Pick<Config, 'kafka'>): void {
  assertDetectors(detectors)
  const { priceTopics } = kafka
  const matches = priceTopicPattern(priceTopics, kafka)
  for (const { name, output } of detectors) {
    if (output === undefined) continue
    const isPrices = matches?.(output) ?? (!(priceTopics instanceof RegExp) && priceTopics.includes(output))
    const isOurs = ownTopicNames(kafka).includes(output) || output.endsWith(DEAD_LETTER_SUFFIX)
    const isKafkas = output.startsWith('__')
    if (!isPrices && !isOurs && !isKafkas) continue
    const is = isPrices
      ? `is a price topic of this node (PRICE_TOPICS is ${String(priceTopics)})`
      : `is a topic of ${isOurs ? "Forewarm's" : "Kafka's"} own`
    throw new ForewarmError('bad-value', `detector ${name}: output: expected a topic of its own, but ${output} ${is}`)
  }
}

/**
 * The detectors whose outputs a node publishes. Undefined if it publishes none: a replay over the Kafka of the
 * configuration would mix findings of the past with those of production.
 */
export function publishingOf({ detectors = [], clock, broker }: NodeOptions): readonly Detector[] | undefined {
  return broker === undefined && clock !== undefined && isVirtual(clock) ? undefined : detectors
}

/** Makes the output topics that are missing, each with so many partitions. Resolves to the partitions of all. */
export async function prepareOutputs(
  admin: Admin,
  detectors: readonly Detector[],
  partitions: number,
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly made: readonly string[] }> {
  const counts = new Map<string, number>()
  const made: string[] = []
  for (const { name, output: topic } of detectors) {
    if (topic === undefined || counts.has(topic)) continue
    try {
      made.push(...(await admin.createTopics([{ topic, partitions }])))
      counts.set(topic, (await admin.partitions(topic)) ?? partitions)
    } catch (error) {
      if (!(error instanceof BrokerError) || error.retriable || error.code === 'closed') throw error
      const why = `detector ${name}: its output topic ${topic} cannot be used or made: ${error.message}`
      throw new ForewarmError('topics-unusable', why, { cause: error })
    }
  }
  return { counts, made }
}

interface OutputParts {
  readonly detectors: readonly Detector[]
  readonly metrics: Metrics
  readonly producer: Producer
  readonly faults: Faults
  /** The output topics with their partitions; undefined if the node does not publish. */
  readonly partitions: ReadonlyMap<string, number> | undefined
}

/** The outputs of a node whose detectors have any. `close` ends all attempts. */
export interface NodeOutputs {
  readonly outputs: Outputs | undefined
  close(): void
}

export function createOutputs({ detectors, metrics, producer, faults, partitions }: OutputParts): NodeOutputs {
  if (detectors.every(({ output }) => output === undefined)) return { outputs: undefined, close: () => undefined }
  const sender =
    partitions &&
    new DetectorOutputs({
      ...{ producer, partitions },
      // A closed node does not wait for it.
      sleep: (ms) => delay(ms, undefined, { ref: false }),
      onHeldUp: (topic, error) => faults.outputsHeldUp(topic, error),
    })
  const onRefused = faults.outputRefused.bind(faults)
  return { outputs: new Outputs({ detectors, metrics, sender, onRefused }), close: () => sender?.close() }
}
