import type { Stage } from '../stages/stage.ts'
import type { Ratio } from './bench.ts'
import { median } from './quantile.ts'

/** One that is measured; resolves to its figure in the contest's unit. */
export type Measure = () => Promise<number> | number

export interface Contest {
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly anchor: string
  readonly measureAnchor: Measure
  /** Measured one after the other in each round, against the anchor of the same round. The keys are the cases. */
  readonly ours: Readonly<Record<string, Measure>>
}

/**
 * Measures ours and the anchor by turns, so that whatever else the machine does meets both. The first round warms up and
 * does not count. The garbage of one measurement is collected before the next, or the next would pay for it.
 */
export async function contest({ runs }: Stage, definition: Contest): Promise<readonly Ratio[]> {
  const { unit, better, anchor, ours } = definition
  const anchorValues: number[] = []
  const values = new Map(Object.keys(ours).map((name) => [name, [] as number[]]))
  for (let round = 0; round <= runs; round++) {
    const anchorValue = await collected(definition.measureAnchor)
    if (round > 0) anchorValues.push(anchorValue)
    for (const [name, measure] of Object.entries(ours)) {
      const value = await collected(measure)
      if (round > 0) values.get(name)?.push(value)
    }
  }
  return [...values].map(([name, of]) => ratioOf({ case: name, unit, better, anchor, anchorValues, values: of }))
}

export interface Rounds {
  readonly case: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly anchor: string
  /** One a round, as many as `values`. */
  readonly anchorValues: readonly number[]
  readonly values: readonly number[]
}

/** Takes a ratio in each round, because both sides of a round met the same machine, and then their median. */
export function ratioOf({ case: name, unit, better, anchor, anchorValues, values }: Rounds): Ratio {
  const ratios = values.map((value, round) => {
    const anchorValue = anchorValues[round] ?? Number.NaN
    return better === 'higher' ? value / anchorValue : anchorValue / value
  })
  return {
    kind: 'ratio',
    case: name,
    unit,
    ours: median(values),
    anchor,
    anchorValue: median(anchorValues),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    runs: values.length,
  }
}

async function collected(measure: Measure): Promise<number> {
  collectGarbage()
  return measure()
}

/** Needs --expose-gc, which `npm run bench` gives. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('node --expose-gc is needed: run `npm run bench -- <name…>`')
  globalThis.gc()
}
