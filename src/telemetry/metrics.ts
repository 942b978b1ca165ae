import { CellSlab, HistogramCell, type NumberCell, shapeOf } from './cells.ts'
import { INSTRUMENTS, type Instrument, labelsOf } from './instruments.ts'
import type { Labels, Metrics } from './slab.ts'

/** The metrics as their writers see them, and what a scrape reads. */
export interface MetricSlab extends Metrics {
  /** When counting began, in milliseconds since 1970. */
  readonly sinceMs: number
  /** In the order of the table. An instrument that nobody asked for is left out. */
  read(): readonly InstrumentValues[]
}

export interface InstrumentValues {
  readonly instrument: Instrument
  readonly numbers: readonly { readonly labels: Labels; readonly value: number }[]
  readonly histograms: readonly HistogramValues[]
}

export interface HistogramValues {
  readonly labels: Labels
  /** Records in each bucket, not cumulative. There is one bucket more than the instrument has bounds. */
  readonly counts: readonly number[]
  readonly sum: number
}

export const NOT_TOLD_APART = 'all'
export const OVERFLOW = 'other'
const DEFAULT_MAX_SERIES = 1000
const REFUSALS = 'metric_series_refused_total'

export function createMetrics(options: { readonly maxSeriesPerInstrument?: number } = {}): MetricSlab {
  const maxSeries = options.maxSeriesPerInstrument ?? DEFAULT_MAX_SERIES
  const slab = new CellSlab()
  const families = new Map<string, Family>()
  for (const instrument of INSTRUMENTS) {
    const onRefusal = () => family(REFUSALS, 'counter').series({ instrument: instrument.name }).number.add(1)
    const bound = instrument.name === REFUSALS ? Number.POSITIVE_INFINITY : maxSeries
    families.set(instrument.name, new Family(instrument, { slab, maxSeries: bound, onRefusal }))
  }
  function family(name: string, ...kinds: readonly Instrument['kind'][]): Family {
    const found = families.get(name)
    if (found === undefined) throw new TypeError(`There is no instrument ${name}: instruments.ts has all there are`)
    const { kind } = found.instrument
    if (!kinds.includes(kind)) throw new TypeError(`${name} is a ${kind}, asked for as a ${kinds.join(' or ')}`)
    return found
  }
  return {
    sinceMs: Date.now(),
    counter: (name, labels = {}) => family(name, 'counter').series(labels).number,
    gauge: (name, labels = {}) => family(name, 'gauge').series(labels).number,
    histogram: (name, labels = {}) => family(name, 'histogram').histogram(labels),
    observe: (name, labels, read) => {
      family(name, 'counter', 'gauge').series(labels).reads.push(read)
    },
    read: () => [...families.values()].filter((each) => each.used).map((each) => each.read()),
  }
}

interface NumberSeries {
  readonly labels: Labels
  readonly number: NumberCell
  readonly reads: (() => number)[]
}

interface FamilyOptions {
  readonly slab: CellSlab
  readonly maxSeries: number
  onRefusal(): void
}

/** One instrument with all its label sets. */
class Family {
  readonly instrument: Instrument
  readonly #options: FamilyOptions
  readonly #labelNames: readonly string[]
  readonly #numbers = new Map<string, NumberSeries>()
  readonly #histograms = new Map<string, { readonly labels: Labels; readonly cell: HistogramCell }>()

  constructor(instrument: Instrument, options: FamilyOptions) {
    this.instrument = instrument
    this.#options = options
    this.#labelNames = labelsOf(instrument)
  }

  get used(): boolean {
    return this.#numbers.size + this.#histograms.size > 0
  }

  series(labels: Labels): NumberSeries {
    const { slab } = this.#options
    const initial = this.instrument.kind === 'gauge' ? Number.NaN : 0
    return this.#intern(this.#numbers, labels, (kept) => ({ labels: kept, number: slab.cell(initial), reads: [] }))
  }

  histogram(labels: Labels): HistogramCell {
    const shape = shapeOf(this.instrument.bounds ?? [])
    return this.#intern(this.#histograms, labels, (kept) => ({ labels: kept, cell: new HistogramCell(shape) })).cell
  }

  read(): InstrumentValues {
    return {
      instrument: this.instrument,
      numbers: [...this.#numbers.values()]
        .map(({ labels, number, reads }) => ({ labels, value: total(number.value, reads) }))
        .filter(({ value }) => !Number.isNaN(value)),
      histograms: [...this.#histograms.values()].map(({ labels, cell }) => ({
        labels,
        counts: cell.fold(),
        sum: cell.sum,
      })),
    }
  }

  #intern<S>(known: Map<string, S>, labels: Labels, create: (labels: Labels) => S): S {
    for (const name of Object.keys(labels)) {
      if (!this.#labelNames.includes(name)) {
        throw new TypeError(`${this.instrument.name} has no label ${name}, only ${this.#labelNames.join(', ')}`)
      }
    }
    const wanted = this.#labelNames.map((name) => labels[name] ?? NOT_TOLD_APART)
    const values = this.#admitted(known, wanted)
    const key = values.join('\0')
    const found = known.get(key)
    if (found !== undefined) return found
    const created = create(Object.fromEntries(this.#labelNames.map((name, i) => [name, values[i] ?? ''])))
    known.set(key, created)
    return created
  }

  /**
   * Bounds the label sets. Feeds invent chains, so beyond `maxSeries` a new label set first loses its chain and keeps
   * its other labels. Beyond twice as many, one series counts all further ones.
   */
  #admitted(known: ReadonlyMap<string, unknown>, wanted: readonly string[]): readonly string[] {
    const { maxSeries, onRefusal } = this.#options
    if (known.size < maxSeries || known.has(wanted.join('\0'))) return wanted
    onRefusal()
    const gathered = wanted.map((value, i) => (this.#labelNames[i] === 'chain' ? OVERFLOW : value))
    if (known.size < 2 * maxSeries || known.has(gathered.join('\0'))) return gathered
    return wanted.map(() => OVERFLOW)
  }
}

/** NaN, which is not shown, for a gauge that was neither set nor observed. */
function total(own: number, reads: readonly (() => number)[]): number {
  if (reads.length === 0) return own
  return reads.reduce((sum, read) => sum + read(), Number.isNaN(own) ? 0 : own)
}
