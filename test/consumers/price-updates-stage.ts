import { createLoop, type DeadLetter } from '../../consumers/loop.ts'
import { PriceUpdates } from '../../consumers/price-updates.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey } from '../../schemas/topics.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import type { L2 } from '../../src/cache/l2/l2.ts'
import { type Clock, isVirtual } from '../../src/clock.ts'
import { type DetectorFunction, detector } from '../../src/detect/detector.ts'
import { ReplayTurn } from '../../src/detect/replay-turn.ts'
import { DetectorRunner } from '../../src/detect/runner.ts'
import { LookAhead } from '../../src/warming/look-ahead.ts'
import { T0, TestCaches } from '../cache/caches.ts'
import { batchOf, type HandmadeRecord, newContext } from './batch.ts'

export interface ConsumerStageOptions {
  readonly slots?: number
  readonly maxPairs?: number
  /** Default: in memory. */
  readonly l2?: L2
  readonly detect?: DetectorFunction
  readonly concurrency?: number
  /** Default: the virtual clock of the caches. */
  readonly clock?: Clock
  readonly onTrigger?: (pairId: number) => void
}

export const TIMEOUT_MS = 1000

/** The consumer of the price topics with everything that it feeds. The test hands it its batches. */
export class ConsumerStage {
  readonly caches: TestCaches
  readonly seen: PriceUpdate[] = []
  readonly letters: DeadLetter[] = []
  readonly faults: unknown[] = []
  readonly warmFaults: unknown[] = []
  readonly failed: string[] = []
  readonly roundedTopics: string[] = []
  readonly looked: number[][] = []
  readonly context = newContext()
  readonly run: ReturnType<typeof createLoop>
  #nextOffset = 0n

  constructor(options: ConsumerStageOptions = {}) {
    const { slots = 1000, maxPairs = 1000, l2 } = options
    this.caches = new TestCaches({ slots, maxPairs, ...(l2 !== undefined && { l2 }) })
    const { caches } = this
    const { metrics, l1, tracker, timer } = caches
    const note: DetectorFunction = (update, prices) => {
      this.seen.push(update)
      return options.detect?.(update, prices)
    }
    const clock = options.clock ?? { now: () => caches.clock.now() }
    const replay = isVirtual(clock) ? new ReplayTurn(clock) : undefined
    const runner = new DetectorRunner({
      detectors: [detector('noting', {}, note)],
      sources: caches.sources,
      concurrency: options.concurrency ?? 64,
      timeoutMs: TIMEOUT_MS,
      ...{ metrics, timer: timer.start, replay },
      onFailure: ({ pair }) => this.failed.push(pair),
    })
    const promote = async (pairIds: readonly number[]) => this.looked.push([...pairIds])
    const deadLetters = async (letter: DeadLetter) => {
      this.letters.push(letter)
    }
    const handler = new PriceUpdates({
      ...caches,
      ...{ clock, replay, sources: caches.origins },
      runner,
      ways: {
        current: {
          lookAhead: () => {
            const times = { timeoutMs: 2, takesMs: () => 1 }
            return new LookAhead({ tracker, l1, metrics, mode: 'await', ...times, minRate: 0.2, promote })
          },
          onTrigger: options.onTrigger,
        },
      },
      deadLetters,
      onRounded: (topic) => this.roundedTopics.push(topic),
      onWarmFault: (error) => this.warmFaults.push(error),
    })
    this.run = createLoop({
      handlerOf: (topic, partition) => handler.lane(topic, partition),
      deadLetters,
      onFault: (error) => this.faults.push(error),
    })
  }

  /** Hands over the next records of the partition. */
  handle(...records: HandmadeRecord[]): Promise<number> {
    const baseOffset = this.#nextOffset
    this.#nextOffset += BigInt(records.length)
    return this.handleAt(baseOffset, ...records)
  }

  handleAt(baseOffset: bigint, ...records: HandmadeRecord[]): Promise<number> {
    return this.run(batchOf(records, { baseOffset }), this.context)
  }

  price(pair: string): number | undefined {
    const record = emptyPrice()
    const pairId = this.caches.table.find('ethereum', pair)
    return pairId >= 0 && this.caches.l1.peek(pairId, record) ? record.price : undefined
  }

  get reasons(): [index: number, reason: string][] {
    return this.letters.map(({ index, reason }) => [index, reason])
  }
}

export function update(pair: string, fields: Partial<PriceUpdate> = {}): PriceUpdate {
  return { pair, chain: 'ethereum', price: 1, eventTimeMs: T0, ...fields }
}

export function json(of: unknown): HandmadeRecord {
  return { value: JSON.stringify(of), timestampMs: T0 }
}

export const tombstone = (pair: string, chain = 'ethereum'): HandmadeRecord => ({
  value: null,
  key: pairKey(chain, pair),
  timestampMs: T0,
})
