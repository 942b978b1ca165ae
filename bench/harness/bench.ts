import type { Stage } from '../stages/stage.ts'

/** A benchmark: a value that `npm run bench -- <name>` runs. */
export interface Bench {
  readonly name: string
  /** It reads recorded data, which is not part of this repository. */
  readonly readsDatasets?: boolean
  /** Measures one case after the other, each when it is asked for, and closes what it opened. */
  cases(stage: Stage): AsyncIterable<Figure>
}

/** A measured figure, before it is compared with a floor. */
export type Figure = Ratio | Value

/** Ours against an anchor of the same run. */
export interface Ratio {
  readonly kind: 'ratio'
  readonly case: string
  readonly unit: string
  /** Medians. */
  readonly ours: number
  readonly anchor: string
  readonly anchorValue: number
  /** Median, lowest and highest of the rounds; above 1, ours is better. */
  readonly ratio: number
  readonly ratioMin: number
  readonly ratioMax: number
  readonly runs: number
}

/** A figure that stands for itself. */
export interface Value {
  readonly kind: 'value'
  readonly case: string
  readonly unit: string
  readonly value: number
}
