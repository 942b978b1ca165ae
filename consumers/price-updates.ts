import { partitionName } from '../src/broker/partition-name.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import type { RecordHandler } from './loop.ts'
import { priceCounts, type SharedByLanes } from './price-counts.ts'
import { PriceLane, type PriceLaneOptions } from './price-lane.ts'
import { Sequences } from './sequences.ts'

export interface PriceUpdatesOptions extends PriceLaneOptions {
  readonly metrics: Metrics
}

/** The price topics of a node: a lane for each partition, in which updates go to the caches, the tracker, the detectors. */
export class PriceUpdates {
  readonly #options: PriceUpdatesOptions
  readonly #shared: SharedByLanes
  readonly #lanes = new Map<string, PriceLane>()

  constructor(options: PriceUpdatesOptions) {
    this.#options = options
    const counts = priceCounts(options.metrics, options.table)
    const told = new Set<string>()
    this.#shared = {
      counts,
      count: (topic, { leftOut, skipped, rounded }) => {
        counts.tooManyPairs.add(leftOut)
        counts.skipped.add(skipped)
        counts.rounded.add(rounded)
        if (rounded === 0 || told.has(topic)) return
        told.add(topic)
        options.onRounded(topic)
      },
      trackingUs: options.metrics.histogram('correlation_tracking_duration_us'),
      endToEndSeconds: options.metrics.histogram('end_to_end_latency_seconds'),
      sequences: new Sequences(),
      lastRecordMs: new Map(),
    }
    options.table.keep({
      holds: (pairId) => [...this.#lanes.values()].some((lane) => lane.holds(pairId)),
      forget: (pairId) => this.#shared.sequences.forget(pairId),
      forgetChain: (chainId) => {
        counts.updates.forget(chainId)
        for (const lane of this.#lanes.values()) lane.forgetChain(chainId)
      },
    })
  }

  /** The timestamp of the topic's last record that was handled; the clock's time before the first. */
  lastRecordMs(topic: string): number {
    return this.#shared.lastRecordMs.get(topic) ?? this.#options.clock.now()
  }

  lane(topic: string, partition: number): RecordHandler {
    const name = partitionName({ topic, partition })
    const lane =
      this.#lanes.get(name) ??
      new PriceLane(this.#options, this.#shared, topic, this.#options.sources.idOf(topic, partition))
    this.#lanes.set(name, lane)
    return lane
  }
}
