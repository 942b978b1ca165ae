import { median } from './quantile.ts'
import { type Bound, rounded } from './row.ts'
import { aligned, number } from './table.ts'

/** What one process has measured of a case. */
export interface Sample {
  readonly unit?: string
  readonly value?: number
  readonly better?: 'higher' | 'lower'
  /** All threads of the process, in the measurement that counts. */
  readonly cpuSeconds?: number
}

/** One process of each side, one right after the other; samples by case. */
export interface BenchPair {
  readonly work: ReadonlyMap<string, Sample>
  readonly ref: ReadonlyMap<string, Sample>
}

/** Medians of both sides, and the interval of their ratio; `null` for a figure that was not measured in every process. */
export interface Compared {
  readonly work: number | null
  readonly ref: number | null
  /** Above 1, the work tree is better; it is work tree ÷ REF if the case does not say what is better. */
  readonly ratio: number | null
  readonly low: number | null
  readonly high: number | null
}

/** A line of `--json`. */
export interface Comparison extends Compared {
  readonly bench: string
  readonly case: string
  readonly unit: string
  readonly cpuSeconds: Compared
  readonly pairs: number
  readonly verdict: 'better' | 'same' | 'worse' | null
}

/** With fewer, not even the range from the lowest ratio to the highest is an interval of 95 %. */
export const FEWEST_PAIRS = 6
/** The chance that is left beyond each end of the interval. */
const TAIL = 0.025

/**
 * The Hodges–Lehmann estimate of the ratio, with its exact interval of 95 % after Wilcoxon's signed ranks. It assumes
 * that the ratio's logarithm is spread evenly around its middle. That is certain if both sides are equal, so equal
 * sides are called worse in 2.5 % of comparisons at most, whatever the noise. A few disturbed pairs move it little.
 */
export function intervalOf(ratios: readonly number[]): { ratio: number; low: number; high: number } {
  if (ratios.length < FEWEST_PAIRS)
    throw new RangeError(`expected ${FEWEST_PAIRS} ratios or more, got ${ratios.length}`)
  const logs = ratios.map(Math.log)
  // The mean of a ratio of 0 and an infinite one is no number: they cancel out.
  const means = logs.flatMap((a, at) => logs.slice(at).map((b) => (a + b) / 2 || 0)).sort((a, b) => a - b)
  const beyond = meansBeyond(ratios.length)
  const end = (index: number): number => Math.exp(means.at(index) ?? Number.NaN)
  return { ratio: Math.exp(median(means)), low: end(beyond), high: end(-1 - beyond) }
}

/** How many means lie beyond each end: the largest sum of ranks whose chance is small enough. */
function meansBeyond(count: number): number {
  // The chance of each sum of the ranks on one side, if each rank from 1 to `count` is on that side or not.
  const chances: number[] = [1]
  for (let rank = 1; rank <= count; rank++)
    for (let sum = (rank * (rank + 1)) / 2; sum >= 0; sum--)
      chances[sum] = ((chances[sum] ?? 0) + (chances[sum - rank] ?? 0)) / 2
  let largest = 0
  for (let chance = chances[0] ?? 1; chance <= TAIL; chance += chances[largest] ?? 1) largest++
  return largest - 1
}

/** A value is better low if `bounds` limit it. */
export function comparisonsOf(
  bench: string,
  pairs: readonly BenchPair[],
  bounds: Readonly<Record<string, Bound>>,
): readonly Comparison[] {
  const cases = new Set(pairs.flatMap(({ work, ref }) => [...work.keys(), ...ref.keys()]))
  return [...cases].map((name) => {
    const samples = pairs.flatMap(({ work, ref }) => [work.get(name) ?? {}, ref.get(name) ?? {}])
    const limited = bounds[name]?.limit === undefined ? undefined : 'lower'
    const { better = limited, unit = '' } = Object.assign({}, ...samples) as Sample
    const sides = (what: 'value' | 'cpuSeconds') =>
      pairs.map(({ work, ref }) => [work.get(name)?.[what], ref.get(name)?.[what]] as const)
    const compared = comparedOf(sides('value'), better)
    return {
      ...{ bench, case: name, unit, ...shown(compared) },
      cpuSeconds: shown(comparedOf(sides('cpuSeconds'), 'lower')),
      pairs: pairs.length,
      verdict: better === undefined ? null : verdictOf(compared),
    }
  })
}

type Sides = readonly (readonly [work: number | undefined, ref: number | undefined])[]

function comparedOf(sides: Sides, better: Sample['better']): Compared {
  const work = sides.flatMap(([value]) => value ?? [])
  const ref = sides.flatMap(([, value]) => value ?? [])
  const medianOf = (values: readonly number[]) => (values.length === 0 ? null : median(values))
  const medians = { work: medianOf(work), ref: medianOf(ref) }
  if (work.length < sides.length || ref.length < sides.length) return { ...medians, ratio: null, low: null, high: null }
  const ratios = work.map((value, at) => ratioOf(value, ref[at] ?? Number.NaN, better))
  return { ...medians, ...intervalOf(ratios) }
}

/** Rounds for the output. The verdict is taken before, since a rounded end may be 1. */
function shown({ work, ref, ratio, low, high }: Compared): Compared {
  const digits = (value: number | null) => (value === null ? null : rounded(value))
  return { work: digits(work), ref: digits(ref), ratio: digits(ratio), low: digits(low), high: digits(high) }
}

function ratioOf(work: number, ref: number, better: Sample['better']): number {
  if (work === ref) return 1
  return better === 'lower' ? ref / work : work / ref
}

export function verdictOf({ low, high }: Pick<Compared, 'low' | 'high'>): Comparison['verdict'] {
  if (low === null || high === null) return null
  if (high < 1) return 'worse'
  return low > 1 ? 'better' : 'same'
}

const HEADINGS = ['case', 'unit', 'work tree', 'REF', 'ratio (95 %)', '', 'CPU s', 'REF', 'ratio (95 %)']

export function comparisonTable(title: string, rows: readonly Comparison[]): string {
  const cell = (value: number | null): string => (value === null ? '' : number(value))
  const cells = ({ work, ref, ratio, low, high }: Compared): string[] => [
    cell(work),
    cell(ref),
    ratio === null ? '' : `${cell(ratio)} (${cell(low)}–${cell(high)})`,
  ]
  const lines = rows.map((row) => [row.case, row.unit, ...cells(row), row.verdict ?? '', ...cells(row.cpuSeconds)])
  return aligned(title, [HEADINGS, ...lines], [0, 1, 5])
}

/** A file of a bench without what a move or better words change: imports, folders, comments, white space. */
export function bare(text: string): string {
  return text
    .replace(/^import\s[^']*'[^']*'.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
    .replace(/'\.{1,2}\/(?:[^'/]*\/)*/g, "'")
    .replace(/\s+/g, ' ')
    .trim()
}
