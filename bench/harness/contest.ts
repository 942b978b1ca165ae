import type { Stage } from '../stages/stage.ts'
import type { Ratio } from './bench.ts'
import { median } from './quantile.ts'

/** One that is measured; resolves to its figure in the contest's unit. */
export type Measure = () => Promise<number> | number

export interface Contest {
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** How many rounds count. Default: the stage's. */
  readonly rounds?: number
  readonly anchor: string
  readonly measureAnchor: Measure
  /** Measured one after the other in each round, against the anchor of the same round. The keys are the cases. */
  readonly ours: Readonly<Record<string, Measure>>
  /** Cases with anchors of their own. What several cases share is measured once in each round. */
  readonly others?: Readonly<Record<string, Anchored>>
}

export interface Anchored extends Pick<Contest, 'anchor' | 'measureAnchor'> {
  readonly ours: Measure
}

/**
 * Measures ours and the anchor by turns, so that whatever else the machine does meets both. The first round warms up and
 * does not count. The garbage of one measurement is collected before the next, or the next would pay for it.
 */
export async function contest({ runs }: Stage, definition: Contest): Promise<readonly Ratio[]> {
  const { unit, better, rounds = runs, anchor, measureAnchor, others = {} } = definition
  const cases = [
    ...Object.entries(definition.ours).map(([name, ours]) => ({ case: name, anchor, measureAnchor, ours })),
    ...Object.entries(others).map(([name, anchored]) => ({ case: name, ...anchored })),
  ]
  const measures = new Set([...cases.map((each) => each.measureAnchor), ...cases.map((each) => each.ours)])
  const values = new Map([...measures].map((measure) => [measure, [] as number[]]))
  for (let round = 0; round <= rounds; round++)
    for (const [measure, of] of values) {
      const value = await collected(measure)
      if (round > 0) of.push(value)
    }
  return cases.map(({ measureAnchor: by, ours, ...named }) =>
    ratioOf({ ...named, unit, better, anchorValues: values.get(by) ?? [], values: values.get(ours) ?? [] }),
  )
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
