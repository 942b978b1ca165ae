import { Worker } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { emptyPrice, eventTimeOf, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import type { L1 } from '../../src/cache/l1/l1.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { attachPrices } from '../../src/detect/attached-prices.ts'
import { type Cache, createCache } from '../../standalone/cache.ts'
import { openedCache } from '../../standalone/levels.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { NamedL2 } from '../cache/l2/named-l2.ts'
import { mulberry32 } from '../harness/mulberry32.ts'
import type { ReadingTally, ReadingTask } from './reading-thread.ts'

const START_MS = 1_780_000_000_000
const NAMES = 12
const MAX_PAIRS = 4
/** A price says whose it is, and of when. */
const OF_NAME = 1_000_000
/** A time before that of all others. */
const OLD_MS = 40

type Step = readonly [what: (typeof STEPS)[number], name: number]
const STEPS = [
  ...(['set', 'set', 'set', 'set-old', 'delete', 'delete', 'get', 'get', 'getMany', 'getMany', 'warm'] as const),
  ...(['elsewhere-set', 'elsewhere-delete', 'push-back', 'thread', 'thread', 'turn', 'settle'] as const),
]

/** A cache with a small table over an L2 that other processes write to, and what may be read of each name. */
class Stage {
  readonly clock: VirtualClock
  readonly cache: Cache
  readonly #caches
  readonly #l2: NamedL2
  readonly #warming
  readonly #thread
  readonly #underWay: Promise<unknown>[] = []
  /**
   * The least version that the newest value may have that was stored here or read, by name. That of a deletion lies in the
   * middle of its millisecond: a value of the same millisecond that is set after it is newer.
   */
  readonly #seen = new Array<number>(NAMES + 1).fill(0)
  readonly #seenByThread = new Array<number>(NAMES + 1).fill(0)
  refused = 0
  read = 0

  private constructor(cache: Cache, clock: VirtualClock, seed: number) {
    this.clock = clock
    this.cache = cache
    const opened = openedCache(cache)
    if (opened === undefined) throw new Error('not a cache of prices')
    this.#caches = opened.caches
    const { table, l1, sources, reads, writer, hierarchy } = this.#caches
    const onNewer = (pairId: number, floor: number, isDeleted = false) => {
      writer.refused(pairId, floor)
      if (isDeleted) hierarchy.deleted(pairId, floor)
    }
    this.#l2 = new NamedL2({ table, onNewer, random: mulberry32(seed) })
    this.#l2.replace(this.#caches.l2)
    this.#warming = createWarming(cache)
    const shared = { l1: (l1 as L1).buffer, names: table.log.buffer, sources: sources.buffer, reads }
    this.#thread = attachPrices(shared, { clock: this.clock })
  }

  static async open(seed: number, l1Slots: number): Promise<Stage> {
    const clock = virtualClock(START_MS)
    const env = { MAX_PAIRS: String(MAX_PAIRS), L2_FLUSH_MS: '10' }
    return new Stage(await createCache({ l2Enabled: false, l1Slots, env, clock }), clock, seed)
  }

  get #nowMs(): number {
    return this.clock.now()
  }

  async step([what, name]: Step): Promise<void> {
    this.clock.advanceTo(this.#nowMs + 1)
    switch (what) {
      case 'set':
        return this.#set(name, this.#nowMs)
      case 'set-old':
        return this.#set(name, this.#nowMs - OLD_MS)
      case 'delete':
        return this.#delete(name)
      case 'get':
        return this.#check(name, this.cache.get(nameOf(name)), this.#seen[name] as number)
      case 'getMany':
        return this.#getMany(name)
      case 'warm':
        this.#underWay.push(this.#warming.warmer.warmPairs([nameOf(name), nameOf((name * 5) % NAMES)]))
        return
      case 'elsewhere-set':
        this.#l2.put(nameOf(name), { version: this.#nowMs * VERSIONS_PER_MS, price: priceOf(name, this.#nowMs) })
        return
      case 'elsewhere-delete':
        this.#l2.put(nameOf(name), { version: this.#nowMs * VERSIONS_PER_MS })
        return
      case 'push-back':
        return this.#caches.pushBack.start()
      case 'thread':
        return this.#readInThread(name)
      case 'turn':
        return new Promise((resolve) => setImmediate(resolve))
      case 'settle':
        return this.settle()
    }
  }

  /** Nothing is under way any more: then a new name must get an id as long as fewer than MAX_PAIRS have values. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.splice(0))
    const { l1, table, writeBehind, hierarchy, pushBack, deletions } = this.#caches
    const ids = () => Array.from({ length: table.end }, (_, id) => id)
    const isBusy = () =>
      ids().some((id) => [table.holds, hierarchy, pushBack, deletions].some((holder) => holder.holds(id))) ||
      writeBehind.pendingEntries > 0
    while (isBusy()) {
      await writeBehind.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const live = ids().filter((id) => l1.isKnown(id)).length
    expect(live).toBeLessThanOrEqual(MAX_PAIRS)
    if (live === MAX_PAIRS) return
    this.clock.advanceTo(this.#nowMs + 1)
    expect(this.cache.set(nameOf(NAMES), { price: NAMES * OF_NAME })).toBe('stored')
    await this.cache.delete(nameOf(NAMES))
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#warming.close()
    await this.cache.close()
  }

  #set(name: number, eventTimeMs: number): void {
    const outcome = this.cache.set(nameOf(name), { price: priceOf(name, eventTimeMs).price, eventTimeMs })
    const seen = this.#seen[name] as number
    if (outcome === 'too-many-pairs') this.refused++
    else if (eventTimeMs < eventTimeOf(seen)) expect(outcome).toBe('older')
    if (outcome === 'stored') this.#seen[name] = Math.max(seen, eventTimeMs * VERSIONS_PER_MS)
    if (outcome !== 'older') return
    const elsewhere = this.#l2.stored.get(nameOf(name))?.version ?? 0
    expect(eventTimeOf(Math.max(seen, elsewhere))).toBeGreaterThanOrEqual(eventTimeMs)
  }

  async #delete(name: number): Promise<void> {
    const { table } = this.#caches
    const deleted = this.cache.delete(nameOf(name))
    if (table.find('default', nameOf(name)) >= 0) {
      this.#seen[name] = (this.#nowMs + 0.5) * VERSIONS_PER_MS
      this.#seenByThread[name] = (this.#nowMs + 0.5) * VERSIONS_PER_MS
    }
    this.#underWay.push(deleted)
  }

  #getMany(name: number): void {
    const names = [name, (name + 1) % NAMES, (name * 7) % NAMES]
    const seen = names.map((each) => this.#seen[each] as number)
    const read = this.cache.getMany(names.map(nameOf))
    const checked = read.then((readings) => {
      for (const [at, reading] of readings.entries()) this.#check(names[at] as number, reading, seen[at] as number)
    })
    checked.catch(() => undefined)
    this.#underWay.push(checked)
  }

  #check(name: number, reading: unknown, seen: number): void {
    const version = this.#versionOf(name, reading)
    if (version === undefined) return
    this.read++
    expect(version).toBeGreaterThanOrEqual(seen)
    this.#seen[name] = Math.max(this.#seen[name] as number, version)
  }

  #readInThread(name: number): void {
    const { table, l1 } = this.#caches
    const pairId = table.find('default', nameOf(name))
    const version = this.#versionOf(name, this.#thread.get('default', nameOf(name)))
    expect(version !== undefined).toBe(pairId >= 0 && l1.has(pairId))
    if (version === undefined) return
    expect(version).toBeGreaterThanOrEqual(this.#seenByThread[name] as number)
    this.#seenByThread[name] = version
  }

  #versionOf(name: number, reading: unknown): number | undefined {
    if (typeof reading !== 'object' || reading === null) return undefined
    const { pair, price, version } = reading as { pair: string; price: number; version: number }
    expect([pair, Math.floor(price / OF_NAME)]).toEqual([nameOf(name), name])
    expect(price % OF_NAME).toBe(eventTimeOf(version) - START_MS)
    return version
  }
}

function nameOf(name: number): string {
  return `P${name}`
}

function priceOf(name: number, eventTimeMs: number) {
  const price = name * OF_NAME + eventTimeMs - START_MS
  return { ...emptyPrice(), version: eventTimeMs * VERSIONS_PER_MS, eventTimeMs, price }
}

const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(NAMES - 1)), {
  minLength: 50,
  maxLength: 150,
  size: 'max',
})

test('no read gives the value of another name, or an older one, when names lose their ids, and none is refused while there is room', async () => {
  let [read, recycled] = [0, 0]
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.integer({ min: 1, max: MAX_PAIRS }), async (given, seed, l1Slots) => {
      const stage = await Stage.open(seed, l1Slots)
      stage.clock.advanceTo(START_MS + OLD_MS)
      try {
        for (const step of given) await stage.step(step)
      } finally {
        await stage.close()
      }
      read += stage.read
      recycled += openedCache(stage.cache)?.caches.table.recycled ?? 0
    }),
    { numRuns: 60 },
  )
  // The property says nothing if hardly anything is read, or no id changes its name.
  expect([read > 300, recycled > 300]).toEqual([true, true])
})

test('a value of the millisecond of a deletion is stored and read if it is set after it', async () => {
  const stage = await Stage.open(1, MAX_PAIRS)
  stage.clock.advanceTo(START_MS + OLD_MS)
  const waiting = Array.from({ length: OLD_MS - 1 }, (): Step => ['turn', 0])
  const given: readonly Step[] = [['set', 1], ['delete', 1], ...waiting, ['set-old', 1], ['get', 1], ['thread', 1]]
  for (const step of given) await stage.step(step)
  expect(stage.read).toBe(1)
  await stage.close()
})

test('a thread that reads while names lose their ids gets no value of another name, and none that is older', async () => {
  const l1Slots = 3
  const cache = await createCache({ l2Enabled: false, l1Slots, env: { MAX_PAIRS: String(MAX_PAIRS) } })
  const opened = openedCache(cache)
  if (opened === undefined) throw new Error('not a cache of prices')
  const { l1, table, sources, reads } = opened.caches
  const shared = { l1: (l1 as L1).buffer, names: table.log.buffer, sources: sources.buffer, reads }
  const workerData: ReadingTask = { shared, names: NAMES, reads: 300_000, ofName: OF_NAME }
  const thread = new Worker(new URL('./reading-thread.ts', import.meta.url), { workerData })
  let tally: ReadingTally | undefined
  thread.once('message', (message: ReadingTally) => {
    tally = message
  })
  const random = mulberry32(1)
  let changes = 0
  for (; tally === undefined; changes++) {
    const name = Math.floor(random() * NAMES)
    if (random() < 0.5) cache.set(nameOf(name), { price: name * OF_NAME + (changes % 1_000) })
    else await cache.delete(nameOf(name))
    if (changes % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await cache.close()
  expect([tally.wrong, tally.back, tally.hits > 1_000, table.recycled > 100]).toEqual([0, 0, true, true])
})
