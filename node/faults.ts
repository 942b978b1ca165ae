import type { ForeignTopic } from '../consumers/acceptance.ts'
import type { DeadLetterSource } from '../producers/dead-letters.ts'
import { deadLetterTopic } from '../schemas/topics.ts'
import type { BrokerEvent, TopicPartition } from '../src/broker/port.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import type { Detector } from '../src/detect/detector.ts'
import type { OutputRefusal } from '../src/detect/outputs.ts'
import type { DetectorFailure } from '../src/detect/runner.ts'
import type { StrayError } from '../src/detect/stray-errors.ts'
import type { Log } from '../src/telemetry/log.ts'
import { LogRate } from '../src/telemetry/log-rate.ts'
import type { Counter } from '../src/telemetry/slab.ts'
import type { StrategyRefusal } from '../src/warming/strategies/asked-strategy.ts'

/** Logs what goes wrong with single records. Each fault is counted elsewhere. */
export class Faults {
  readonly #log: Log
  readonly #rate: LogRate

  constructor(log: Log, clock: Clock = systemClock) {
    this.#log = log
    this.#rate = new LogRate({ clock })
  }

  /** Without this line a misspelt topic would only be silent. */
  subscribedInVain(detectors: readonly Detector[], read: readonly string[]): void {
    for (const { name, topics = [] } of detectors) {
      const unread = [...topics].filter((topic) => !read.includes(topic))
      if (unread.length > 0)
        this.#log.warn(
          { detector: name, topics: unread, read },
          'a detector subscribes to topics that are not read here',
        )
    }
  }

  /** Until CACHE_L2_TTL has passed, no bound is given for what L2 has of them. */
  readonly unkept = (partitions: readonly TopicPartition[]): void => {
    this.#log.warn(
      { partitions: partitions.map(({ topic, partition }) => `${topic}/${partition}`) },
      'took partitions over of which L2 may lack values: it did not take them in time for the commit, or an older version did that',
    )
  }

  topicForeign({ topic, partition, offset, reason, detail }: ForeignTopic): void {
    const look = `forewarm tail ${deadLetterTopic(topic)} --from-beginning --no-follow`
    this.#log.warn(
      { topic, partition, offset: String(offset), reason, detail, look },
      'degraded: nearly all records of a price topic are refused; this is the first of them',
    )
  }

  topicFamiliar(topic: string): void {
    this.#log.info({ topic }, 'most records of the price topic are read again')
  }

  detectorFailed({ detector, chain, pair, ...failure }: DetectorFailure): void {
    const what = 'error' in failure ? 'a detector threw' : 'a detector did not settle in time'
    this.#rate.tell(`${what}: ${detector}`, (passedOver) =>
      this.#log.warn({ detector, chain, pair, ...thrown(failure), passedOver }, what),
    )
  }

  /** It was caught outside every handler, so it belongs to no update. */
  detectorStrayed({ detector, ends, ...stray }: StrayError): void {
    const { err } = thrown(stray)
    const what = 'a detector failed outside its handler: a forgotten await, a timer or an event'
    const end = 'the node drains, commits and ends with exit code 1 (DETECTOR_FAULTS)'
    if (ends) this.#log.fatal({ detector, err }, `${what}; ${end}`)
    else this.#rate.tell(`${what}: ${detector}`, (passedOver) => this.#log.error({ detector, err, passedOver }, what))
  }

  outputRefused({ detector, output, reason, detail, origin, update }: OutputRefusal): void {
    const { topic, partition, offset } = origin
    const at = { topic, partition, offset: String(offset), chain: update.chain, pair: update.pair }
    const what = 'what a detector returned is not published'
    this.#rate.tell(`${what}: ${detector} ${reason}`, (passedOver) =>
      this.#log.error({ detector, output, reason, detail, ...at, passedOver }, what),
    )
  }

  outputsHeldUp(topic: string, error: unknown): void {
    const what = 'updates wait: Kafka does not take what detectors returned for their output topic'
    this.#rate.tell(`${what}: ${topic}`, (passedOver) => this.#log.warn({ topic, err: error, passedOver }, what))
  }

  strategyRefused({ strategy, fault, detail, ...thrownBy }: StrategyRefusal): void {
    const what = 'an answer of a strategy is not taken: the update warms nothing'
    this.#rate.tell(`${what}: ${strategy} ${fault}`, (passedOver) =>
      this.#log.error(
        { strategy, reason: fault, detail: `${strategy} ${detail}`, ...thrown(thrownBy), passedOver },
        what,
      ),
    )
  }

  recordFaulty(error: unknown): void {
    this.#tell('a record could not be handled', { err: error })
  }

  warmFaulty(error: unknown): void {
    this.#tell('a warm could not be asked for or carried out', { err: error })
  }

  deadLettered(letter: DeadLetterSource): void {
    const what = 'a record could not be handled and is in the dead-letter topic'
    this.#rate.tell(`${what}: ${letter.batch.topic} ${letter.reason}`, (passedOver) =>
      this.#log.warn({ ...factsOf(letter), detail: letter.detail, passedOver }, what),
    )
  }

  letterLost(letter: DeadLetterSource, error: unknown): void {
    const facts = { ...factsOf(letter), err: error }
    this.#tell('a record could be neither handled nor put aside: it is only where it came from', facts)
  }

  notSent(topic: string, error: unknown, lost: Counter, records = 1): void {
    lost.add(records)
    this.#tell(`a record of ${topic} was not sent`, { topic, err: error })
  }

  topicForbidden(topic: string): void {
    this.#tell(`topic ${topic} cannot be read: the right to DESCRIBE and READ it is missing`, { topic })
  }

  /** Rate-limited, because batches that no client can decode may come in a row. */
  undecodable(event: Extract<BrokerEvent, { type: 'undecodable' }>): void {
    const { type, ...facts } = event
    const printed = { ...facts, from: String(event.from), to: String(event.to) }
    this.#rate.tell(type, (passedOver) => this.#log.warn({ ...printed, passedOver }, `kafka: ${type}`))
  }

  /** Logs how many lines were held back since the last one. */
  flush(): void {
    this.#rate.flush()
  }

  #tell(what: string, facts: object): void {
    this.#rate.tell(what, (passedOver) => this.#log.error({ ...facts, passedOver }, what))
  }
}

/** JSON leaves out what is undefined, but that can be thrown, too. */
function thrown(failure: { readonly error?: unknown }): { readonly err?: unknown } {
  return 'error' in failure ? { err: failure.error ?? String(failure.error) } : {}
}

function factsOf({ batch, index, reason }: DeadLetterSource): object {
  return { topic: batch.topic, partition: batch.partition, offset: String(batch.offset(index)), reason }
}

/** JSON has no bigint. */
export function printable(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
  )
}
