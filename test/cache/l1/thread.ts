import { parentPort, workerData } from 'node:worker_threads'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { L1Reader } from '../../../src/cache/l1/reader.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

/** One thread over an L1 in shared memory: the writer, or a reader that checks whatever it reads. */
export type ThreadTask =
  | { readonly do: 'write'; readonly pairs: number; readonly slots: number; readonly perSecond: number }
  | {
      readonly do: 'read'
      readonly buffer: SharedArrayBuffer
      readonly pairs: number
      readonly reads: number
      readonly seed: number
    }

export interface ReadTally {
  readonly hits: number
  readonly misses: number
  /** Prices whose numbers do not belong to their version and pair. */
  readonly torn: number
  /** Versions lower than one seen before for the pair. */
  readonly back: number
}

const WRITES_A_BEAT = 100

function write(task: Extract<ThreadTask, { do: 'write' }>): void {
  const l1 = new L1({ slots: task.slots, maxPairs: task.pairs })
  const numbers = new Float64Array(NUMBER_COUNT)
  const value = emptyPrice()
  let version = 0
  const put = (): void => {
    const pairId = ++version % task.pairs
    for (let f = 0; f < NUMBER_COUNT; f++) numbers[f] = numberOf(pairId, version, f)
    // If not all pairs fit, residency is earned by reads. The value is then loaded as a node loads it.
    if (l1.update(pairId, version, numbers, 0) !== 'floor-only') return
    if (l1.get(pairId, value)) return
    const [price = 0, bid = 0, ask = 0, reserve0 = 0, reserve1 = 0, liquidity = 0] = numbers
    l1.fill(pairId, { ...emptyPrice(), version, eventTimeMs: 0, price, bid, ask, reserve0, reserve1, liquidity })
  }
  for (let pair = 0; pair < task.pairs; pair++) put()
  parentPort?.postMessage(l1.buffer)
  const startMs = performance.now()
  let written = 0
  let isOver = false
  parentPort?.once('message', () => {
    isOver = true
  })
  const beat = (): void => {
    const dueMs = () => startMs + (written * 1000) / task.perSecond
    const untilMs = performance.now() + 20
    while (performance.now() < untilMs) {
      if (performance.now() < dueMs()) continue
      for (let i = 0; i < WRITES_A_BEAT; i++) put()
      written += WRITES_A_BEAT
    }
    if (!isOver) setImmediate(beat)
    else {
      parentPort?.postMessage({ written, seconds: (performance.now() - startMs) / 1000 })
      parentPort?.close()
    }
  }
  beat()
}

/** Every number of a price follows from its version and pair. */
function numberOf(pairId: number, version: number, field: number): number {
  return version * 7 + pairId + field / 8
}

function read(task: Extract<ThreadTask, { do: 'read' }>): ReadTally {
  const reader = new L1Reader(task.buffer)
  const random = mulberry32(task.seed)
  const value = emptyPrice()
  const seen = new Float64Array(task.pairs)
  let torn = 0
  let back = 0
  for (let i = 0; i < task.reads; i++) {
    const pairId = Math.floor(random() * task.pairs)
    if (!reader.get(pairId, value)) continue
    const { version } = value
    const isWhole =
      value.price === numberOf(pairId, version, 0) &&
      value.bid === numberOf(pairId, version, 1) &&
      value.ask === numberOf(pairId, version, 2) &&
      value.reserve0 === numberOf(pairId, version, 3) &&
      value.reserve1 === numberOf(pairId, version, 4) &&
      value.liquidity === numberOf(pairId, version, 5)
    if (!isWhole) torn++
    else if (version < (seen[pairId] as number)) back++
    else seen[pairId] = version
  }
  const { hits, misses } = reader
  return { hits, misses, torn, back }
}

const task = workerData as ThreadTask
if (task.do === 'write') write(task)
else parentPort?.postMessage(read(task))
