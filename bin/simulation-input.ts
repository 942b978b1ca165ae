import type { Combination } from '../src/simulate/row.ts'
import {
  accessCombinations,
  accessWorkload,
  type Choices,
  priceCombinations,
  priceWorkload,
  sizesOf,
  type Workload,
} from '../src/simulate/simulate.ts'
import { readAccesses } from '../src/simulate/traffic/access-trace.ts'
import { type MistimedUpdates, type PriceTape, readPriceTape } from '../src/simulate/traffic/price-tape.ts'
import { DEFAULTS, type SimulationFlags } from './options/simulation.ts'
import { counted } from './terminal/progress-line.ts'
import { say, type Terminal } from './terminal/terminal.ts'
import { UsageError } from './usage-error.ts'

export interface SimulationInput {
  readonly workload: Workload
  readonly combinations: readonly Combination[]
  /** What the figures leave out since an event time cannot be; undefined where nothing. */
  readonly caution?: string
}

/** What is to be run, on what was recorded. Rejects with `bad-option`, or as the files' readers do; also on Ctrl-C. */
export async function simulationInput(terminal: Terminal, flags: SimulationFlags): Promise<SimulationInput> {
  const { accesses, prices, events, capacity, slots, seed } = flags
  if ((accesses === undefined) === (prices === undefined)) throw new UsageError('on what? give --accesses or --prices')
  if (capacity !== undefined && slots !== undefined)
    throw new UsageError('--capacity and --slots both say how many slots: give one of them')
  if (accesses !== undefined) {
    refuseOfPrices(flags)
    const trace = await readAccesses(accesses, terminal.signal)
    const combinations = accessCombinations(choicesOf(flags, trace.keys))
    return { workload: accessWorkload(trace, seed), combinations }
  }
  const { maxReads = DEFAULTS.maxReads, spacingUs = DEFAULTS.spacingUs } = flags
  const tape = await readPriceTape({ prices: prices ?? '', events, maxReads, spacingUs, signal: terminal.signal })
  tellLeftOut(terminal, tape)
  const combinations = priceCombinations({
    ...choicesOf(flags, tape.pairs),
    lookAheads: flags.lookAhead ?? DEFAULTS.lookAhead,
    attributions: flags.attribution ?? DEFAULTS.attribution,
    delaysMs: flags.delayMs ?? DEFAULTS.delayMs,
    warmMs: flags.warmMs ?? DEFAULTS.warmMs,
  })
  const caution = tape.mistimed === undefined ? {} : { caution: mistimedText(tape.mistimed) }
  return { workload: priceWorkload(tape, seed), combinations, ...caution }
}

function choicesOf(flags: SimulationFlags, keys: number): Choices {
  const { slots, capacity = capacitiesFor(keys), policy = DEFAULTS.policy, report } = flags
  const warming = flags.warming ?? (report === undefined ? DEFAULTS.warming : DEFAULTS.reportWarming)
  return {
    sizes: sizesOf(keys, slots === undefined ? { capacity } : { slots }),
    policies: policy,
    warmings: warming,
  }
}

/** Those that come to a slot at all: a hundredth of a few keys is nobody's wish. */
function capacitiesFor(keys: number): readonly number[] {
  const some = DEFAULTS.capacity.filter((share) => Math.round(share * keys) >= 1)
  return some.length > 0 ? some : [1]
}

/** Accesses have no times, and nobody reads anything after them. */
function refuseOfPrices(flags: SimulationFlags): void {
  const { events, readModel, maxReads, delayMs, spacingUs, warmMs, lookAhead, attribution } = flags
  const given = Object.entries({ events, readModel, maxReads, delayMs, spacingUs, warmMs, lookAhead, attribution })
  const [name] = given.find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new UsageError(`--${option} says something about --prices: accesses have none of it`)
}

function tellLeftOut(terminal: Terminal, { unknownUpdates, backwards, unreadable }: PriceTape): void {
  const tell = (what: string, count: number) => count > 0 && say(terminal, `${what}: ${counted(count)}`)
  tell('records that cannot be read, left out', unreadable)
  tell('updates of pairs in no event, left out', unknownUpdates)
  tell('updates older than the one before, taken as of its time', backwards)
}

function mistimedText({ updates, of, place, eventTimeMs, otherEventTimeMs }: MistimedUpdates): string {
  const [its, other] = [eventTimeMs, otherEventTimeMs].map((ms) => new Date(ms).toISOString())
  return `${counted(updates)} of ${counted(of)} updates are left out, as their times are far from those around them: ${place} is of ${its}, where others are of ${other}`
}
