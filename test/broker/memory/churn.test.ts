import { expect, test } from '@jest/globals'
import { createMemoryBroker, type MemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { Batch } from '../../../src/broker/port.ts'
import { until } from '../../harness/until.ts'
import { newReader, type Reader, records, type Stage, setStage } from '../conformance/stage.ts'

const PARTITIONS = 7
const STEPS = 400

/** mulberry32, which is small and gives the same numbers everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** While records arrive, members come and go, are rebalanced, throw, and report less than they got. */
class Churn {
  readonly #stage: Stage & { readonly broker: MemoryBroker }
  readonly #random: (below: number) => number
  readonly #members: Reader[] = []
  readonly #stopping: Promise<void>[] = []
  /** The offsets that were reported as done in each partition, in the order of the reports. */
  readonly done: bigint[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly sent: number[] = Array(PARTITIONS).fill(0)
  readonly #inHand = new Set<number>()
  overlaps = 0

  constructor(stage: Stage & { readonly broker: MemoryBroker }, random: (below: number) => number) {
    this.#stage = stage
    this.#random = random
  }

  async run(): Promise<void> {
    this.#join()
    for (let step = 0; step < STEPS; step++) {
      const dice = this.#random(20)
      if (dice === 0 && this.#members.length < 6) this.#join()
      else if (dice === 1 && this.#members.length > 1) this.#leave()
      else if (dice === 2) void this.#stage.broker.rebalance('churn')
      else await this.#produce()
    }
    await until('everything is done', () => this.done.every((offsets, i) => offsets.length >= (this.sent[i] ?? 0)))
    await Promise.all(this.#stopping)
  }

  #join(): void {
    const reader = newReader(this.#stage, { topics: ['t'], groupId: 'churn', onBatch: (batch) => this.#handle(batch) })
    this.#members.push(reader)
    // The start of a member that leaves before it has joined rejects, which is right.
    reader.consumer.start().catch(() => undefined)
  }

  #leave(): void {
    const [leaving] = this.#members.splice(this.#random(this.#members.length), 1)
    if (leaving !== undefined) this.#stopping.push(leaving.consumer.stop())
  }

  async #produce(): Promise<void> {
    const partition = this.#random(PARTITIONS)
    const count = 1 + this.#random(900)
    this.sent[partition] = (this.sent[partition] ?? 0) + count
    await this.#stage.producer.sendBatch('t', records(partition, Array(count).fill('v')))
  }

  async #handle(batch: Batch): Promise<number> {
    if (this.#inHand.has(batch.partition)) this.overlaps += 1
    this.#inHand.add(batch.partition)
    for (let turns = this.#random(4); turns > 0; turns--) await new Promise(setImmediate)
    this.#inHand.delete(batch.partition)
    if (this.#random(15) === 0) throw new Error('told to')
    const done = this.#random(3) === 0 ? this.#random(batch.count + 1) : batch.count
    for (let i = 0; i < done; i++) this.done[batch.partition]?.push(batch.offset(i))
    return done
  }
}

test('every record is done once and in order, whichever member joins, leaves, throws or stops half way', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
  const broker = createMemoryBroker({ partitions: { t: PARTITIONS } })
  const churn = new Churn({ ...(await setStage(broker)), broker }, randomFrom(seed))
  try {
    await churn.run()
    const expected = churn.sent.map((count) => Array.from({ length: count }, (_, i) => BigInt(i)))
    expect(churn.done).toEqual(expected)
    expect(churn.overlaps).toBe(0)
  } catch (error) {
    throw new Error(`again with SEED=${seed}`, { cause: error })
  } finally {
    await broker.close()
  }
})
