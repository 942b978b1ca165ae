import type { Ratio } from './bench.ts'
import { ratioOf } from './contest.ts'

/** A ratio that needs one round only, as it is deterministic; more is better. It is NaN if either figure is missing. */
export function singleRatio(
  what: Pick<Ratio, 'case' | 'unit' | 'anchor'>,
  ours: number | undefined,
  anchor: number | undefined,
): Ratio {
  const [values, anchorValues] = [[ours ?? Number.NaN], [anchor ?? Number.NaN]]
  return ratioOf({ ...what, better: 'higher', values, anchorValues })
}
