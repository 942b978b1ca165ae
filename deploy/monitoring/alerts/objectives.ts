import type { Queries } from '../queries.ts'
import type { Alert } from './alert.ts'

/**
 * Burn-rate alerts by two windows each, as the Site Reliability Workbook has them (Beyer and others, O'Reilly 2018, chapter 5). A
 * fiftieth of a month's budget in an hour pages somebody, and a tenth of it in three days is a ticket. The short window ends an
 * alert soon after its cause.
 */
interface Burn {
  readonly suffix: string
  readonly severity: 'critical' | 'warning'
  readonly factor: number
  readonly long: string
  readonly short: string
  readonly for: string
}

const BURNS: readonly Burn[] = [
  { suffix: 'BudgetBurnsFast', severity: 'critical', factor: 14.4, long: '1h', short: '5m', for: '2m' },
  { suffix: 'BudgetBurnsSlowly', severity: 'warning', factor: 1, long: '3d', short: '6h', for: '1h' },
]

interface Objective {
  readonly name: string
  readonly layer: Alert['layer']
  readonly words: string
  /** The share that may be bad, 0 to 1. */
  readonly budget: number
  /** The share that is bad, by chain. */
  readonly bad: (window: string) => string
  readonly see: string
  readonly todo: readonly string[]
}

/** Hit ratio 95 %, warms that succeed 99 %, updates in L1 within a quarter of a second 99 %. */
function objectives(q: Queries): readonly Objective[] {
  const late = `(${q.quantile(0.99, 'end_to_end_latency_seconds')} > bool 0.25)`
  return [
    {
      ...{ name: 'HitRatio', layer: 'hot-path', words: 'reads that miss L1 (5 % may)', budget: 0.05 },
      bad: (window) => `(1 - ${q.hitRatio(window)})`,
      see: 'The panel "L1 hit ratio".',
      todo: ['As for CacheHitRateDropped.'],
    },
    {
      ...{ name: 'WarmSuccess', layer: 'background', words: 'warms that fail (1 % may)', budget: 0.01 },
      bad: (window) => `(${q.errorRatio(window)})`,
      see: 'The panel "Success and errors by chain".',
      todo: ['As for WarmingErrorRateHigh.'],
    },
    {
      ...{
        name: 'Freshness',
        layer: 'hot-path',
        words: 'time in which 99 % of updates are not in L1 within 250 ms',
        budget: 0.01,
      },
      bad: (window) => `avg_over_time(${late}[${window}:5m])`,
      see: 'The panels "Event age" and "Lag in seconds".',
      todo: ['Look at the lag, at slow detectors, and at the clocks of the feed: event times come from there.'],
    },
  ]
}

export function objectiveAlerts(q: Queries): readonly Alert[] {
  return objectives(q).flatMap(({ name, layer, words, budget, bad, see, todo }) =>
    BURNS.map(({ suffix, severity, factor, long, short, for: pending }): Alert => {
      const most = Number((factor * budget).toPrecision(6))
      return {
        ...{ name: `${name}${suffix}`, severity, layer, for: pending, see, todo },
        expression: `(${bad(long)} > ${most}) and (${bad(short)} > ${most})`,
        summary: `${words}: the budget of {{ $labels.chain }} is used up ${factor} times as fast as planned`,
        means: `The objective allows a share of ${budget} for ${words.replace(/ \(.*\)/, '')} in a month. Over ${long} and ${short} it was more than ${most}.`,
      }
    }),
  )
}
