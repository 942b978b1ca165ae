import type { Combination } from '../../src/simulate/row.ts'
import { type BaselineName, isBaseline } from '../../src/simulate/warmings/warmings.ts'
import type { Stroke } from './line-chart.ts'

/** How combinations of one delay are named and drawn. The capacity makes no difference. */
export interface Naming {
  labelOf(row: Combination): string
  strokeOf(row: Combination): Stroke
}

/** Muted colours, as baselines are background. All can be told apart without seeing red and green (Okabe and Ito). */
const BASELINE_COLOURS: Readonly<Record<BaselineName, string>> = {
  none: '#8c8c8c',
  busiest: '#b8a200',
  random: '#e69f00',
  oracle: 'currentColor',
}
const COLOURS = ['#0072b2', '#009e73', '#d55e00', '#56b4e9', '#cc79a7'] as const
/** The dashes of each policy. */
const DASHES = ['', '7 3', '2 3', '9 3 2 3'] as const

export function naming(rows: readonly Combination[]): Naming {
  const parts = [({ policy }: Combination) => policy, warmingOf, lookAheadOf, attributionOf] as const
  const telling = parts.filter((part) => new Set(rows.map(part).filter((name) => name !== '')).size > 1)
  const policies = [...new Set(rows.map(({ policy }) => policy))]
  const ways = [...new Set(rows.filter(({ warming }) => !isBaseline(warming)).map(wayOf))]
  return {
    labelOf: (row) => {
      const names = telling.map((part) => part(row)).filter((name) => name !== '')
      return names.length === 0 ? row.warming : names.join(', ')
    },
    strokeOf: (row) => ({
      colour: isBaseline(row.warming) ? BASELINE_COLOURS[row.warming] : nth(COLOURS, ways.indexOf(wayOf(row))),
      dash: nth(DASHES, policies.indexOf(row.policy)),
    }),
  }
}

/** Everything of a combination but its policy. */
function wayOf({ warming, lookAhead, attribution }: Combination): string {
  return `${warming} ${lookAhead} ${attribution}`
}

function warmingOf({ warming }: Combination): string {
  return warming === 'none' ? 'no warming' : warming
}

/** Look-ahead and attribution make no difference to baselines. */
function lookAheadOf({ warming, lookAhead }: Combination): string {
  return isBaseline(warming) ? '' : `look-ahead ${lookAhead}`
}

function attributionOf({ warming, attribution }: Combination): string {
  return isBaseline(warming) ? '' : `attribution ${attribution}`
}

function nth(of: readonly string[], index: number): string {
  return of[index % of.length] ?? ''
}
