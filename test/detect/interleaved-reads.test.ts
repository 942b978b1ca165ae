import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { L1Names } from '../../src/cache/names/l1-names.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Sources } from '../../src/cache/sources/sources.ts'
import { attachPrices, type SharedPrices } from '../../src/detect/attached-prices.ts'
import { threadReadsMemory } from '../../src/detect/thread-reads.ts'
import { monotonicMs } from '../../src/monotonic.ts'
import { mulberry32 } from '../harness/mulberry32.ts'
import { mutantOf } from '../harness/mutant.ts'
import { StoreTrace } from './store-trace.ts'

const CHAIN = 'ethereum'
const NAMES = ['A', 'B', 'C', 'D', 'E']
const MAX_PAIRS = 3
const SLOTS = 2
const MOST_STEPS = 150
/** From one step to the next, in the moments of the source. */
const STEP_MS = 1e6

type Step = readonly [what: (typeof STEPS)[number], name: number]
const STEPS = [
  ...(['update', 'update', 'update', 'fill', 'warm', 'ask', 'evict', 'delete', 'delete', 'raise', 'raise'] as const),
]

/** What there is of each name after a step: the version in L1, and the newest; 0 if there is none. */
interface State {
  /** How many stores there were. */
  readonly stores: number
  readonly resident: readonly number[]
  readonly newest: readonly number[]
}

/** A writer whose names come and go. */
class Writer {
  readonly #sources = new Sources()
  readonly #source = this.#sources.idOf('prices', 0)
  readonly #table = new PairTable({ maxPairs: MAX_PAIRS })
  readonly #l1: L1
  readonly #startMs = monotonicMs() - (MOST_STEPS + 1) * STEP_MS
  readonly trace: StoreTrace
  readonly states: State[] = []

  constructor(Level: typeof L1) {
    this.#l1 = new Level({ slots: SLOTS, maxPairs: MAX_PAIRS, warmShare: 0.5, sources: this.#sources })
    this.#table.keep(new L1Names({ table: this.#table, l1: this.#l1, isOver: () => false }))
    this.#sources.follow(this.#source)
    this.trace = new StoreTrace(Object.values(this.#shared))
    this.states.push(this.#state())
  }

  get #shared(): SharedPrices {
    return {
      l1: this.#l1.buffer,
      names: this.#table.log.buffer,
      sources: this.#sources.buffer,
      reads: threadReadsMemory(),
    }
  }

  get recycled(): number {
    return this.#table.recycled
  }

  write(steps: readonly Step[]): void {
    this.trace.record(() => {
      for (const step of steps) {
        this.#take(step)
        this.states.push(this.#state())
      }
    })
  }

  /** The memory as it was at the start, where the trace makes the stores. */
  copies(): SharedPrices {
    const { l1, names, sources, reads } = this.#shared
    const { trace } = this
    return { l1: trace.copyOf(l1), names: trace.copyOf(names), sources: trace.copyOf(sources), reads }
  }

  /** The step as of which a value is the newest; -Infinity if that is not known. */
  stepOf(behindMs: number): number {
    return Math.round((monotonicMs() - behindMs - this.#startMs) / STEP_MS)
  }

  #take([what, name]: Step): void {
    const l1 = this.#l1
    const pair = NAMES[name] as string
    if (what === 'raise') this.#sources.raise(this.#source, this.#startMs + this.states.length * STEP_MS)
    const pairId = this.#idFor(what, pair)
    if (pairId < 0) return
    const next = l1.floor(pairId) + 1
    if (what === 'evict') l1.evict(pairId)
    else if (what === 'update') l1.update(pairId, next, Float64Array.of(name, NaN, NaN, NaN, NaN, NaN), 0, this.#source)
    else if (what === 'delete') {
      this.#table.release(pairId)
      l1.remove(pairId)
    }
    // L2 has what there is of the name, or something new if there is nothing.
    const price = { ...emptyPrice(), version: l1.isKnown(pairId) ? next - 1 : next, price: name }
    if (what === 'fill') l1.fill(pairId, price)
    else if (what === 'warm') l1.promote(pairId, price)
  }

  #idFor(what: Step[0], pair: string): number {
    if (what === 'update') return this.#table.register(CHAIN, pair)
    if (what === 'evict' || what === 'delete' || what === 'raise') return this.#table.find(CHAIN, pair)
    return this.#table.ask(CHAIN, pair)
  }

  #state(): State {
    const ids = NAMES.map((pair) => this.#table.find(CHAIN, pair))
    const price = emptyPrice()
    return {
      stores: this.trace.length,
      resident: ids.map((id) => (id >= 0 && this.#l1.peek(id, price) ? price.version : 0)),
      newest: ids.map((id) => (id >= 0 && this.#l1.isKnown(id) ? this.#l1.floor(id) : 0)),
    }
  }
}

/** A thread that reads while the stores are made, and stops between its loads as `seed` says. */
class Reader {
  readonly #writer: Writer
  readonly #random: () => number
  readonly #prices
  readonly #seen = NAMES.map(() => 0)
  /** What it must not have read. */
  readonly faults: string[] = []
  /** Hits during which the writer made stores. */
  interrupted = 0

  constructor(writer: Writer, seed: number) {
    this.#writer = writer
    this.#random = mulberry32(seed)
    this.#prices = attachPrices(writer.copies())
  }

  readAll(): void {
    const { trace, states } = this.#writer
    while (trace.made < trace.length) {
      trace.make(Math.floor(4 * this.#random()))
      this.#read(Math.floor(this.#random() * NAMES.length))
    }
    const last = states.at(-1) as State
    for (const [name, pair] of NAMES.entries())
      if ((typeof this.#prices.get(CHAIN, pair) === 'object') !== (last.resident[name] as number) > 0)
        this.faults.push(`${pair}: at the end`)
  }

  #read(name: number): void {
    const { trace } = this.#writer
    const from = trace.made
    const pair = NAMES[name] as string
    // Many reads come to their end between two stores, as most reads do.
    const pauses = this.#random() ** 2 / 3 - 0.03
    const reading = StoreTrace.pausing(
      () => this.#random() < pauses && trace.make(1 + Math.floor(60 * this.#random() ** 4)),
      () => this.#prices.get(CHAIN, pair),
    )
    if (typeof reading !== 'object') return
    if (trace.made > from) this.interrupted++
    const { version, price, behindMs } = reading
    const asOf = this.#writer.stepOf(behindMs)
    if (price !== name) this.faults.push(`${pair}: the value of ${price}`)
    if (version < (this.#seen[name] as number)) this.faults.push(`${pair}: ${version} after ${this.#seen[name]}`)
    if (!this.#wasThere({ name, version, from })) this.faults.push(`${pair}: ${version}, which was not there`)
    if (!this.#wasNewest({ name, version, asOf })) this.faults.push(`${pair}: ${version} as of step ${asOf}`)
    this.#seen[name] = version
  }

  /** Whether L1 had the version at a time between `from` and now. During a step it may have what it had before, or after it. */
  #wasThere({ name, version, from }: { name: number; version: number; from: number }): boolean {
    const { states, trace } = this.#writer
    return states.some(({ resident }, step) => {
      const began = states[step - 1]?.stores ?? 0
      const ended = states[step + 1]?.stores ?? trace.length
      return resident[name] === version && began <= trace.made && ended >= from
    })
  }

  /** Whether the version was the newest at the step, or came after it. */
  #wasNewest({ name, version, asOf }: { name: number; version: number; asOf: number }): boolean {
    const { states } = this.#writer
    const first = states.findIndex(({ newest }) => newest[name] === version)
    return asOf < first || states.slice(first, asOf + 1).every(({ newest }) => newest[name] === version)
  }
}

const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(NAMES.length - 1)), {
  maxLength: MOST_STEPS,
  size: 'max',
})

function readBetween(Level: typeof L1, given: readonly Step[], seed: number): { writer: Writer; reader: Reader } {
  const writer = new Writer(Level)
  writer.write(given)
  const reader = new Reader(writer, seed)
  reader.readAll()
  return { writer, reader }
}

test('a thread that stops between any two loads reads what L1 had meanwhile, nothing older than before, and no later moment', () => {
  let [interrupted, recycled] = [0, 0]
  fc.assert(
    fc.property(steps, fc.nat(), (given, seed) => {
      const { writer, reader } = readBetween(L1, given, seed)
      expect(reader.faults).toEqual([])
      interrupted += reader.interrupted
      recycled += writer.recycled
    }),
    { numRuns: 500 },
  )
  // The property says nothing if no read is interrupted, or no id changes its name.
  expect([interrupted > 100, recycled > 500]).toEqual([true, true])
})

test.each([
  {
    would: 'read an older value than before if a pair got its slot before its value',
    from: "import { Residency } from './residency.ts'",
    to: `import { Residency as Ours } from './residency.ts'
      class Residency extends Ours {
        reserve(...given) {
          const slot = super.reserve(...given)
          if (slot >= 0) this.link(slot)
          return slot
        }
      }`,
  },
  {
    would: 'take a value for the newest after it left if its slot still followed its source',
    from: 'onFree: (slot) => this.#freed(slot)',
    to: 'onFree: (slot) => this.#expiry.freed(slot)',
  },
])('a thread would $would', async ({ from, to }) => {
  const mutant = mutantOf(new URL('../../src/cache/l1/l1.ts', import.meta.url), from, to)
  try {
    const { L1: Mutant } = (await import(mutant.url)) as { L1: typeof L1 }
    const isFaultless = (given: readonly Step[], seed: number) =>
      readBetween(Mutant, given, seed).reader.faults.length === 0
    const found = fc.check(fc.property(steps, fc.nat(), isFaultless), { numRuns: 5_000, endOnFailure: true })
    expect(found.failed).toBe(true)
  } finally {
    mutant.remove()
  }
})
