import type { SimulationRow } from '../../src/simulate/row.ts'
import { isBaseline, type WarmingName } from '../../src/simulate/warmings/warmings.ts'
import { percent, type TrafficKind } from './simulation-text.ts'

/** Warming with the settings that are told of, beside the same policy without warming. */
export interface Compared {
  readonly told: SimulationRow
  readonly without: number
  readonly bound: number | undefined
}

/** A smaller share of the misses is shown as nothing. */
const LEAST_SAVED = 0.0005

/**
 * What to tell for each capacity; the rows are of one delay. It is the settings that run by default. If those were not
 * simulated, it is the best that was. Policies other than a node's are told of only if the node's was not simulated.
 */
export function comparedRows(rows: readonly SimulationRow[], kind: TrafficKind): readonly Compared[] {
  const capacities = [...new Set(rows.map(({ capacity }) => capacity))].toSorted((a, b) => a - b)
  return capacities.flatMap((capacity) => {
    const here = ofNode(rows).filter((row) => row.capacity === capacity)
    const warmed = here.filter(({ warming }) => !isBaseline(warming)).toSorted((a, b) => b.hitRatio - a.hitRatio)
    const told = warmed.find((row) => isDefault(row, kind)) ?? warmed[0]
    const beside = (name: WarmingName) =>
      here.find(({ policy, warming }) => policy === told?.policy && warming === name)?.hitRatio
    const without = beside('none')
    return told === undefined || without === undefined ? [] : [{ told, without, bound: beside('oracle') }]
  })
}

/** Says whether warming pays as it runs by default, and what other settings would give. Empty if nothing was compared. */
export function verdict(rows: readonly SimulationRow[], kind: TrafficKind): string {
  const told = comparedRows(rows, kind).map((compared) => compared.told)
  const [first] = told
  if (first === undefined) return ''
  const others = isDefault(first, kind) ? otherWays(ofNode(rows), first) : ''
  if (!told.some(saves)) return others === '' ? `${NOTHING}: leave it off.` : `${NOTHING}.${others}`
  const named = lookAheadsOf(told.filter(saves)).join(' or ')
  const tried = lookAheadsOf(ofNode(rows).filter(({ warming }) => !isBaseline(warming)))
  const isNamed = tried.length > 1 || named === 'overlap' || named === 'await'
  const subject = isNamed ? `With LOOK_AHEAD=${named}, warming` : 'Warming'
  const no = told.filter((row) => !saves(row)).map(({ capacity }) => percent(capacity))
  const not = no.length === 0 ? '' : `; nothing with slots for ${no.join(', ')}`
  return `${subject} saves ${savings(told)} reads of L2 each (1 is free: the miss would have read it)${not}.${others}`
}

/** A line for each delay. */
export function verdicts(rows: readonly SimulationRow[], kind: TrafficKind): readonly string[] {
  const delays = [...new Set(rows.map(({ delayMs }) => delayMs))].toSorted((a, b) => a - b)
  return delays.flatMap((delayMs) => {
    const told = verdict(
      rows.filter((row) => row.delayMs === delayMs),
      kind,
    )
    if (told === '') return []
    return kind === 'prices' ? [`Read ${readWhen(delayMs)}: ${told}`] : [told]
  })
}

export function readWhen(delayMs: number): string {
  return delayMs === 0 ? 'at once' : `${delayMs} ms after the update`
}

const NOTHING = 'Warming saves nothing here'

function ofNode(rows: readonly SimulationRow[]): readonly SimulationRow[] {
  const its = rows.filter(({ policy }) => policy === 'forewarm')
  return its.length > 0 ? its : rows
}

/** Accesses belong to no update, so there is no look-ahead to choose. */
function isDefault({ warming, lookAhead, attribution }: SimulationRow, kind: TrafficKind): boolean {
  return warming === 'forewarm' && (kind === 'accesses' || (lookAhead === 'auto' && attribution === 'on'))
}

/** A sentence on the other warmings of the same policy, each with what it would give and cost. */
function otherWays(rows: readonly SimulationRow[], told: SimulationRow): string {
  const ways = Map.groupBy(
    rows.filter(({ policy, warming }) => policy === told.policy && !isBaseline(warming)),
    (row) => wayOf(row, told),
  )
  const texts = [...ways].flatMap(([way, its]) => {
    if (way === '') return []
    return [`${way} ${its.some(saves) ? `${savings(its)} each` : 'nothing'}`]
  })
  return texts.length === 0 ? '' : ` Others would save: ${texts.join('; ')}.`
}

/** The settings in which a row differs; empty if in none. */
function wayOf({ warming, lookAhead, attribution }: SimulationRow, told: SimulationRow): string {
  const waits = lookAhead === 'overlap' || lookAhead === 'off' ? ' (no handler waits)' : ''
  return [
    ...(warming === told.warming
      ? []
      : [warming === 'own' ? 'the strategy of your own' : `WARMING_STRATEGY=${warming}`]),
    ...(lookAhead === told.lookAhead ? [] : [`LOOK_AHEAD=${lookAhead}${waits}`]),
    ...(attribution === told.attribution ? [] : [`attribution ${attribution}`]),
  ].join(' ')
}

function saves({ coverage = 0 }: SimulationRow): boolean {
  return coverage >= LEAST_SAVED
}

/** The range of those rows that save anything. */
function savings(rows: readonly SimulationRow[]): string {
  const saved = range(rows.filter(saves).map(({ coverage = 0 }) => (coverage * 100).toFixed(1)))
  const reads = range(rows.filter(saves).map((row) => row.l2ReadsPerSavedMiss?.toFixed(2) ?? '–'))
  return `${saved} % of the misses, for ${reads}`
}

function lookAheadsOf(rows: readonly SimulationRow[]): readonly string[] {
  return [...new Set(rows.map(({ lookAhead }) => lookAhead))]
}

/** The least and the greatest of printed numbers. */
function range(shown: readonly string[]): string {
  const sorted = shown.toSorted((a, b) => Number(a) - Number(b))
  const [least = '', most = ''] = [sorted[0], sorted.at(-1)]
  return least === most ? least : `${least} to ${most}`
}
