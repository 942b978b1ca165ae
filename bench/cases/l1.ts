import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { open } from 'lmdb'
import { LRUCache } from 'lru-cache'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { L1Reader } from '../../src/cache/l1/reader.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import type { Bench, Figure, Ratio } from '../harness/bench.ts'
import { type Contest, contest } from '../harness/contest.ts'
import type { L1WriterTask } from '../stages/l1-writer.ts'
import type { Stage } from '../stages/stage.ts'
import { hitRatios } from './parts/hit-ratio.ts'

/** Compares reads and writes of L1 with other stores in the process, or in memory that threads share. */
export const l1: Bench = { name: 'l1', readsDatasets: true, cases }

const PAIRS = 5_000
const CHAIN = 'ethereum'
const WRITES_PER_SECOND = 100_000
/** Ids in no order, a power of two of them, so that going round costs a mask. */
const ORDER_MASK = 2 ** 16 - 1
const ORDER = Int32Array.from({ length: ORDER_MASK + 1 }, (_, i) => (i * 7_919) % PAIRS)
const NAMES = Array.from({ length: PAIRS }, (_, pair) => `TOKEN${pair}/USDC`)

/** As one would keep a price by hand. */
interface Price {
  readonly price: number
  readonly bid: number
  readonly ask: number
}

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const gets = stage.amount(5_000_000, 500_000)
  yield* await besideWriter(stage, gets)
  yield* alone(stage, gets)
  yield* await setting(stage, gets)
  yield* hitRatios()
}

/** Nanoseconds a call, over ids in no order. The results are added up, so that V8 leaves no call out. */
function nsOf(calls: number, call: (pairId: number) => number): () => number {
  return () => {
    let sum = 0
    const startMs = performance.now()
    for (let i = 0; i < calls; i++) sum += call(ORDER[i & ORDER_MASK] as number)
    const ns = ((performance.now() - startMs) * 1e6) / calls
    if (Number.isNaN(sum)) throw new Error('a read gave nothing')
    return ns
  }
}

function readWith(reader: { get(pairId: number, into: ReturnType<typeof emptyPrice>): boolean }) {
  const price = emptyPrice()
  return (pairId: number): number => {
    if (!reader.get(pairId, price)) return Number.NaN
    return price.price + price.bid + price.ask
  }
}

async function besideWriter(stage: Stage, gets: number): Promise<readonly Ratio[]> {
  const task: L1WriterTask = { pairs: PAIRS, writesPerSecond: WRITES_PER_SECOND }
  const writer = new Worker(new URL('../stages/l1-writer.ts', import.meta.url), { workerData: task })
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-bench-'))
  const lmdb = open<Price, string>({ path: folder })
  try {
    const [buffer] = (await once(writer, 'message')) as [SharedArrayBuffer]
    for (const name of NAMES) lmdb.putSync(name, { price: 1, bid: 0.5, ask: 1.5 })
    const fewer = gets / 10
    return await contest(stage, {
      unit: 'ns',
      better: 'lower',
      anchor: 'lmdb get',
      measureAnchor: nsOf(fewer, (pairId) => lmdb.get(NAMES[pairId] as string)?.price ?? Number.NaN),
      ours: {
        'get, by another thread than the writer’s, at 100,000 writes/s': nsOf(gets, readWith(new L1Reader(buffer))),
      },
    })
  } finally {
    await writer.terminate()
    await lmdb.close()
    rmSync(folder, { recursive: true })
  }
}

async function* alone(stage: Stage, gets: number): AsyncIterable<Figure> {
  const cache = filled(3)
  const byReader = nsOf(gets, readWith(new L1Reader(cache.buffer)))
  const byWriter = nsOf(gets, readWith(cache))
  const table = namedPairs()
  const read = readWith(cache)
  const byString = (pairId: number) => read(table.find(CHAIN, NAMES[pairId] as string))
  const byId = await contest(stage, {
    unit: 'ns',
    better: 'lower',
    anchor: 'lru-cache get of an object',
    measureAnchor: lruGets(gets),
    ours: {
      'get of three numbers, by id, by another thread': byReader,
      'get of three numbers, by id, by the writer’s thread': byWriter,
      'get of three numbers, by string, by the writer’s thread': nsOf(gets, byString),
      'get of six numbers, by id, by another thread': nsOf(gets, readWith(new L1Reader(filled(NUMBER_COUNT).buffer))),
    },
  })
  yield* byId
  const value = byId[0]?.ours ?? Number.NaN
  yield { kind: 'value', case: 'get of three numbers, by id, by another thread: time', unit: 'ns', value }
  yield* await besideBento(stage, gets / 20, {
    'get, by id, by the writer’s thread': byWriter,
    'get, by id, by another thread': byReader,
  })
}

function namedPairs(): PairTable {
  const table = new PairTable({ maxPairs: PAIRS })
  for (const name of NAMES) table.register(CHAIN, name)
  return table
}

function lruGets(gets: number): () => number {
  const lru = new LRUCache<string, Price>({ max: PAIRS })
  for (const name of NAMES) lru.set(name, { price: 1, bid: 0.5, ask: 1.5 })
  return nsOf(gets, (pairId) => lru.get(NAMES[pairId] as string)?.price ?? Number.NaN)
}

async function besideBento(stage: Stage, gets: number, ours: Contest['ours']): Promise<readonly Ratio[]> {
  const bento = new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: PAIRS })) },
  })
  for (const name of NAMES) await bento.set({ key: name, value: { price: 1, bid: 0.5, ask: 1.5 }, ttl: '1h' })
  const ratios = await contest(stage, {
    unit: 'ns',
    better: 'lower',
    anchor: 'bentocache get (memory)',
    measureAnchor: async () => {
      const startMs = performance.now()
      for (let i = 0; i < gets; i++) await bento.get({ key: NAMES[ORDER[i & ORDER_MASK] as number] as string })
      return ((performance.now() - startMs) * 1e6) / gets
    },
    ours,
  })
  await bento.disconnectAll()
  return ratios
}

function filled(numbersSet: number): L1 {
  const cache = new L1({ slots: PAIRS, maxPairs: PAIRS })
  const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN).fill(1.5, 0, numbersSet)
  for (let pairId = 0; pairId < PAIRS; pairId++) cache.update(pairId, 1, numbers, 0)
  return cache
}

async function setting(stage: Stage, sets: number): Promise<readonly Ratio[]> {
  const three = filled(3)
  const six = filled(NUMBER_COUNT)
  const map = new Map<string, Price & { readonly version: number }>()
  let version = 1
  const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN)
  const sixNumbers = new Float64Array(NUMBER_COUNT)
  const table = namedPairs()
  const setThree = (pairId: number): number => {
    version++
    numbers[0] = version
    numbers[1] = version - 0.5
    numbers[2] = version + 0.5
    three.update(pairId, version, numbers, 0)
    return version
  }
  return contest(stage, {
    unit: 'ns',
    better: 'lower',
    anchor: 'Map set of a fresh object where it is newer',
    measureAnchor: nsOf(sets, (pairId) => {
      version++
      const name = NAMES[pairId] as string
      const known = map.get(name)
      if (known !== undefined && known.version > version) return 0
      map.set(name, { version, price: version, bid: version - 0.5, ask: version + 0.5 })
      return version
    }),
    ours: {
      'set of three numbers, by id': nsOf(sets, setThree),
      'set of three numbers, by string': nsOf(sets, (pairId) => setThree(table.find(CHAIN, NAMES[pairId] as string))),
      'set of six numbers, by id': nsOf(sets, (pairId) => {
        version++
        for (let f = 0; f < NUMBER_COUNT; f++) sixNumbers[f] = version + f / 8
        six.update(pairId, version, sixNumbers, 0)
        return version
      }),
    },
  })
}
