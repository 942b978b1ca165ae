import { Formats } from '../src/formats/formats.ts'
import { isRecording } from '../src/replay/recording/source.ts'
import type { OnBadLine } from '../src/replay/source/bad-line.ts'
import type { Combination } from '../src/simulate/row.ts'
import {
  accessCombinations,
  accessWorkload,
  type Choices,
  type PriceChoices,
  priceCombinations,
  priceWorkload,
  sizesOf,
  type Workload,
} from '../src/simulate/simulate.ts'
import { readAccesses } from '../src/simulate/traffic/access-trace.ts'
import { type MistimedUpdates, type PriceTape, readPriceTape } from '../src/simulate/traffic/price-tape.ts'
import { isBaseline } from '../src/simulate/warmings/warmings.ts'
import { LOOK_AHEAD_MODES } from '../src/strategy/named.ts'
import { loadStrategy } from './modules/strategy-file.ts'
import { refuseGiven } from './options/options.ts'
import { DEFAULTS, type SimulationFlags } from './options/simulation.ts'
import { loadWithFormats } from './settings.ts'
import { counted } from './terminal/progress-line.ts'
import { tellLost } from './terminal/replay-text.ts'
import { say, type Terminal } from './terminal/terminal.ts'
import { UsageError } from './usage-error.ts'

export interface SimulationInput {
  readonly workload: Workload
  readonly combinations: readonly Combination[]
  /** Says which updates the figures leave out because of an impossible event time; absent if none. */
  readonly caution?: string
  /** Whether a recording had records that cannot be read. */
  readonly hasUnreadable: boolean
}

/** The recorded traffic and what to run on it. Rejects with a UsageError, as the files' readers do, or on Ctrl-C. */
export async function simulationInput(
  terminal: Terminal,
  flags: SimulationFlags,
  onBadLine: OnBadLine,
): Promise<SimulationInput> {
  const { accesses, prices, events, capacity, slots, seed } = flags
  if ((accesses === undefined) === (prices === undefined))
    throw new UsageError('on what? give one of --accesses and --prices')
  if (capacity !== undefined && slots !== undefined)
    throw new UsageError('--capacity and --slots both say how many slots: give one of them')
  if (accesses !== undefined) {
    refusePriceOptions(flags)
    const trace = await readAccesses(accesses, terminal.signal, onBadLine)
    const combinations = accessCombinations(choicesOf(flags, trace.keys))
    return { workload: accessWorkload(trace, seed), combinations, hasUnreadable: false }
  }
  const { maxReads = DEFAULTS.maxReads, spacingUs = DEFAULTS.spacingUs } = flags
  const own = await loadStrategy(flags.strategy)
  const { signal } = terminal
  const tape = await readPriceTape({
    ...{ prices: prices ?? '', events, maxReads, spacingUs, signal, onBadLine },
    ...(await formatsFor(terminal, prices ?? '', flags)),
  })
  tellLeftOut(terminal, tape)
  const combinations = onPrices(flags, tape.pairs)
  const caution = tape.mistimed === undefined ? {} : { caution: mistimedText(tape.mistimed) }
  return {
    workload: priceWorkload(tape, seed, own),
    combinations,
    ...caution,
    hasUnreadable: tape.unreadable.length > 0,
  }
}

/** How the records are read. A file of price updates needs no settings. */
async function formatsFor(
  terminal: Terminal,
  prices: string,
  flags: SimulationFlags,
): Promise<{ readonly formats?: Formats; readonly topic?: string }> {
  const { topic, formats, config } = flags
  const ofRecords = await isRecording(prices)
  if (ofRecords) refuseGiven({ topic }, 'a file of lines: a recording knows its topics')
  else if (topic === undefined) {
    refuseGiven({ formats, config }, 'a recording, or --topic')
    return {}
  }
  const { formats: rules } = await loadWithFormats(terminal, flags)
  const read = new Formats(rules)
  if (topic !== undefined && read.of(topic) === undefined)
    throw new UsageError(
      `--topic: no format names ${topic}; leave it out if the lines are price updates in our own format`,
    )
  return { formats: read, ...(topic !== undefined && { topic }) }
}

function onPrices(flags: SimulationFlags, pairs: number): readonly Combination[] {
  const choices: PriceChoices = {
    ...choicesOf(flags, pairs),
    lookAheads: flags.lookAhead ?? DEFAULTS.lookAhead,
    attributions: flags.attribution ?? DEFAULTS.attribution,
    delaysMs: flags.delayMs ?? DEFAULTS.delayMs,
    warmMs: flags.warmMs ?? DEFAULTS.warmMs,
  }
  const combinations = priceCombinations(choices)
  if (flags.report === undefined || flags.lookAhead !== undefined) return combinations
  // A report also says what the other look-aheads would give. They make no difference to the baselines.
  const warmings = choices.warmings.filter((name) => !isBaseline(name))
  const lookAheads = LOOK_AHEAD_MODES.filter((mode) => !choices.lookAheads.includes(mode))
  return [...combinations, ...priceCombinations({ ...choices, warmings, lookAheads })]
}

function choicesOf(flags: SimulationFlags, keys: number): Choices {
  const { slots, capacity = capacitiesFor(keys), policy = DEFAULTS.policy, report, strategy } = flags
  const warming = flags.warming ?? (report === undefined ? DEFAULTS.warming : DEFAULTS.reportWarming)
  return {
    sizes: sizesOf(keys, slots === undefined ? { capacity } : { slots }),
    policies: policy,
    warmings: strategy === undefined ? warming : [...warming, 'own'],
  }
}

/** The default shares that come to at least one slot: a hundredth of ten keys is none. */
function capacitiesFor(keys: number): readonly number[] {
  const some = DEFAULTS.capacity.filter((share) => Math.round(share * keys) >= 1)
  return some.length > 0 ? some : [1]
}

/** Accesses have no times, and no reads follow them. */
function refusePriceOptions(flags: SimulationFlags): void {
  const { events, topic, formats, config, strategy, readModel, maxReads, delayMs } = flags
  const { spacingUs, warmMs, lookAhead, attribution } = flags
  const given = {
    events,
    strategy,
    topic,
    formats,
    config,
    readModel,
    maxReads,
    delayMs,
    spacingUs,
    warmMs,
    lookAhead,
    attribution,
  }
  refuseGiven(given, '--prices, not with --accesses')
}

function tellLeftOut(terminal: Terminal, { unknownUpdates, backwards, unreadable }: PriceTape): void {
  const tell = (what: string, count: number) => count > 0 && say(terminal, `${what}: ${counted(count)}`)
  tellLost(terminal, 'skipped', unreadable)
  tell('updates left out, as their pair is in no event', unknownUpdates)
  tell('updates moved to the time of the one before, which is later', backwards)
}

function mistimedText({ updates, of, place, eventTimeMs, otherEventTimeMs }: MistimedUpdates): string {
  const [its, other] = [eventTimeMs, otherEventTimeMs].map((ms) => new Date(ms).toISOString())
  return `${counted(updates)} of ${counted(of)} updates are left out, as their times are far from those around them: ${place} is of ${its}, its neighbours are of ${other}`
}
