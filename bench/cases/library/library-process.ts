import { setTimeout as wait } from 'node:timers/promises'
import { createCache, createWarming } from '../../../index.ts'

/** A service with a feed of its own: each update is recorded and warmed for, then two other pairs are read. */
export interface LibraryTask {
  readonly redisUrl: string
  readonly pairs: number
  readonly readsPerSecond: number
  readonly seconds: number
}

export interface LibraryCost {
  /** More resident memory than before there was a cache. */
  readonly megabytes: number
  /** CPU time of all threads ÷ time. */
  readonly corePercent: number
  readonly readMs: number
  readonly recordMicros: number
}

const READS = 2
const TURN_MS = 5

const { redisUrl, pairs, readsPerSecond, seconds }: LibraryTask = JSON.parse(process.argv[2] ?? '')
makeGarbage()
const before = process.memoryUsage.rss()
const cache = await createCache({ env: { REDIS_URL: redisUrl } })
const warming = createWarming(cache)
for (let pair = 0; pair < pairs; pair++) cache.set(`P${pair}`, { price: pair + 1 })
let [updates, reads, readMs] = [0, 0, 0]
const recordMicros: number[] = []
const startMs = performance.now()
const cpu = process.cpuUsage()
for (let nowMs = startMs; nowMs < startMs + seconds * 1000; nowMs = performance.now()) {
  const due = Math.floor(((nowMs - startMs) * readsPerSecond) / 1000 / READS)
  for (; updates < due; updates++) await handle((updates * 7) % pairs)
  await wait(TURN_MS)
}
const { user, system } = process.cpuUsage(cpu)
const tookMs = performance.now() - startMs
const megabytes = (process.memoryUsage.rss() - before) / 2 ** 20
recordMicros.sort((a, b) => a - b)
process.send?.(
  {
    megabytes,
    corePercent: (user + system) / 10 / tookMs,
    readMs: readMs / reads,
    recordMicros: recordMicros[Math.floor(recordMicros.length * 0.95)],
  },
  () => process.exit(),
)

/** A service has used its heap before: the room that new objects take is not the cache's. */
function makeGarbage(): void {
  const kept: unknown[] = []
  for (let made = 0; made < 2_000_000; made++) kept[made % 1_000] = { made, list: [made] }
}

async function handle(pair: number): Promise<void> {
  const name = `P${pair}`
  const recordStartMs = performance.now()
  warming.tracker.recordPriceUpdate(name)
  recordMicros.push((performance.now() - recordStartMs) * 1000)
  await warming.warmer.warmForPair(name)
  for (let i = 1; i <= READS; i++) {
    const beganMs = performance.now()
    cache.get(`P${(pair + i * 100) % pairs}`)
    readMs += performance.now() - beganMs
    reads++
  }
}
