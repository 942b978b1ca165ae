import { CELLS, GROUPS, type WarmCounts } from '../../cache/l1/usage.ts'
import { ARMS, type Arm, type Arms } from './arms.ts'
import {
  differenceOf,
  type Estimate,
  estimateOf,
  ratioOf,
  type Spread,
  shareOf,
  spreadOf,
  sum,
} from './random-groups.ts'

/** What one strategy brings and costs. A figure is undefined until it can be measured. */
export interface StrategyFigures {
  readonly strategy: string
  /** The updates after which detectors read anything, in the control group and outside of it. */
  readonly updates: { readonly control: number; readonly warmed: number }
  /** Warms that were read before they left L1 ÷ all warms that were read or have left. */
  readonly accuracy: Estimate | undefined
  /** Misses saved ÷ misses without warming, against the control group of its own triggers. */
  readonly coverage: Estimate | undefined
  /** Values read from L2 for warms ÷ misses saved. The upper bound is infinite where it may save none. */
  readonly l2ReadsPerSavedMiss: Estimate | undefined
  /** Warms ÷ updates that were warmed for. */
  readonly warmsPerUpdate: Estimate | undefined
}

/** Two strategies that a node compares, and what `b` has more than `a`. */
export interface StrategyComparison {
  readonly a: StrategyFigures
  readonly b: StrategyFigures
  readonly difference: { readonly accuracy: Estimate | undefined; readonly coverage: Estimate | undefined }
}

export interface ComparisonSources {
  readonly usage: { readonly warmsByCell: readonly Readonly<WarmCounts>[] }
  readonly promotions: { readonly loadedByCell: readonly number[] }
}

interface Subject {
  readonly subject: string
  readonly names: Readonly<Record<Arm, string>>
}

/** With fewer updates in the control group or the rest of an arm, its coverage says nothing. */
const FEWEST_UPDATES = 30

/**
 * Compares two strategies by the reads after updates of the triggers of each. Triggers were shared out at random, so the
 * spread between random groups of them is what chance does, also where pairs differ much from each other.
 */
export class Comparison {
  readonly #arms: Arms
  /** The updates of the control group, and the others. */
  readonly control: Sums
  readonly warmed: Sums
  /** What is compared: a comparison of something else must begin anew. */
  subject = ''
  #names: Subject['names'] = { a: '', b: '' }
  #sources: ComparisonSources | undefined
  /** What the sources had counted when the comparison began. */
  #before: { readonly warms: readonly Readonly<WarmCounts>[]; readonly loaded: readonly number[] } = {
    warms: NOTHING,
    loaded: [],
  }

  constructor(arms: Arms) {
    this.#arms = arms
    this.control = new Sums(arms)
    this.warmed = new Sums(arms)
  }

  /** Begins anew, with other strategies. */
  restart({ subject, names }: Subject, sources: ComparisonSources): void {
    this.subject = subject
    this.#names = names
    this.#sources = sources
    this.again()
  }

  /** Begins anew, with the same strategies. */
  again(): void {
    const { usage, promotions } = this.#sources ?? {}
    this.control.clear()
    this.warmed.clear()
    this.#before = {
      warms: usage?.warmsByCell.map((counts) => ({ ...counts })) ?? NOTHING,
      loaded: [...(promotions?.loadedByCell ?? [])],
    }
  }

  /** Undefined while there is only one strategy. */
  figures(sources: ComparisonSources): StrategyComparison | undefined {
    if (!this.#arms.areTwo) return undefined
    const [a, b] = ARMS.map((arm) => this.#spreads(arm, sources))
    if (a === undefined || b === undefined) return undefined
    const difference = {
      accuracy: estimateOf(differenceOf(b.accuracy, a.accuracy)),
      coverage: estimateOf(differenceOf(b.coverage, a.coverage)),
    }
    return { a: a.figures(), b: b.figures(), difference }
  }

  #spreads(arm: Arm, { usage, promotions }: ComparisonSources) {
    const { warms, loaded } = this.#before
    const cells = CELL_NUMBERS.slice(...(arm === 'a' ? [0, GROUPS] : [GROUPS]))
    const since = (what: keyof WarmCounts) =>
      cells.map((cell) => (usage.warmsByCell[cell]?.[what] ?? 0) - (warms[cell]?.[what] ?? 0))
    const [used, unused, admitted] = [since('used'), since('unused'), since('admitted')]
    const loads = cells.map((cell) => (promotions.loadedByCell[cell] ?? 0) - (loaded[cell] ?? 0))
    const [control, warmed] = [this.control.of(cells), this.warmed.of(cells)]
    const updates = { control: sum(control.updates), warmed: sum(warmed.updates) }
    const enough = Math.min(updates.control, updates.warmed) >= FEWEST_UPDATES
    const ended = used.map((count, group) => count + (unused[group] ?? 0))
    const accuracy = shareOf(used, ended)
    const coverage = enough ? coverageOf(control, warmed) : undefined
    const figures = (): StrategyFigures => ({
      ...{ strategy: this.#names[arm], updates },
      accuracy: within(estimateOf(accuracy), 0, 1),
      coverage: within(estimateOf(coverage), Number.NEGATIVE_INFINITY, 1),
      l2ReadsPerSavedMiss: enough ? costOf(loads, control, warmed) : undefined,
      warmsPerUpdate: within(estimateOf(ratioOf(admitted, warmed.updates)), 0, Number.POSITIVE_INFINITY),
    })
    return { accuracy, coverage, figures }
  }
}

const CELL_NUMBERS: readonly number[] = Array.from({ length: CELLS }, (_, cell) => cell)
const NOTHING: readonly Readonly<WarmCounts>[] = []

interface GroupSums {
  readonly updates: readonly number[]
  readonly reads: readonly number[]
  readonly misses: readonly number[]
}

/** Updates, their reads and their misses, by cell. */
class Sums {
  readonly #arms: Arms
  readonly #updates = new Float64Array(CELLS)
  readonly #reads = new Float64Array(CELLS)
  readonly #misses = new Float64Array(CELLS)

  constructor(arms: Arms) {
    this.#arms = arms
  }

  /** Counts an update of the pair with its reads. */
  settled(pairId: number, reads: number, hits: number): void {
    if (!this.#arms.areTwo) return
    const cell = this.#arms.cellOf(pairId)
    this.#updates[cell] = (this.#updates[cell] as number) + 1
    this.#reads[cell] = (this.#reads[cell] as number) + reads
    this.#misses[cell] = (this.#misses[cell] as number) + reads - hits
  }

  of(cells: readonly number[]): GroupSums {
    const at = (counts: Float64Array) => cells.map((cell) => counts[cell] as number)
    return { updates: at(this.#updates), reads: at(this.#reads), misses: at(this.#misses) }
  }

  clear(): void {
    for (const counts of [this.#updates, this.#reads, this.#misses]) counts.fill(0)
  }
}

/** One less the miss ratio with warming ÷ the one without. */
function coverageOf(control: GroupSums, warmed: GroupSums): Spread | undefined {
  const [without, withIt] = [shareOf(control.misses, control.reads), shareOf(warmed.misses, warmed.reads)]
  if (without === undefined || withIt === undefined || without.value === 0) return undefined
  const part = withIt.value / without.value
  const [controlReads, warmedReads] = [sum(control.reads), sum(warmed.reads)]
  const influences = control.reads.map((reads, group) => {
    const ofControl = ((control.misses[group] ?? 0) - without.value * reads) / controlReads
    const ofWarmed = ((warmed.misses[group] ?? 0) - withIt.value * (warmed.reads[group] ?? 0)) / warmedReads
    return (part * ofControl - ofWarmed) / without.value
  })
  return spreadOf(1 - part, influences, (group) => control.reads[group] === 0 && warmed.reads[group] === 0)
}

/** Both bounds come from those of the misses saved per value read, which may be 0. */
function costOf(loads: readonly number[], control: GroupSums, warmed: GroupSums): Estimate | undefined {
  const [controlReads, loaded] = [sum(control.reads), sum(loads)]
  if (controlReads === 0 || loaded === 0) return undefined
  const without = sum(control.misses) / controlReads
  const scale = sum(warmed.reads) / controlReads
  const saved = loads.map(
    (_, group) =>
      scale * ((control.misses[group] ?? 0) - without * (control.reads[group] ?? 0)) +
      without * (warmed.reads[group] ?? 0) -
      (warmed.misses[group] ?? 0),
  )
  const perLoad = estimateOf(ratioOf(saved, loads))
  if (perLoad === undefined || perLoad.value <= 0) return undefined
  const { value, low, high } = perLoad
  return { value: 1 / value, low: 1 / high, high: low > 0 ? 1 / low : Number.POSITIVE_INFINITY }
}

function within(estimate: Estimate | undefined, least: number, most: number): Estimate | undefined {
  if (estimate === undefined) return undefined
  return { value: estimate.value, low: Math.max(least, estimate.low), high: Math.min(most, estimate.high) }
}
