import type { ChainFigures, Quantiles, TopFigures, WarmsOf } from './figures.ts'

/** The most columns that a line takes. */
const COLUMNS = 80
const BAR_CELLS = 24
const MOST_ROWS = 5
const TICKS = '▁▂▃▄▅▆▇█'
/** How many hit ratios the line of the last ones shows. */
export const HISTORY = 48

export interface Shown {
  readonly node: string
  readonly at: Date
  readonly figures: TopFigures
  /** Hit ratios of the last intervals, the newest last. */
  readonly hitRatios: readonly (number | undefined)[]
}

/** The screen of `forewarm top`, in lines of at most 80 columns. */
export function screenLines({ node, at, figures, hitRatios }: Shown): readonly string[] {
  const lines = [
    `forewarm top · ${node}`.padEnd(60) + at.toISOString().slice(11, 19).padStart(20),
    '',
    row('updates', `${rate(figures.updatesPerSecond)}/s`, `to L1 ${pair(figures.endToEndMs, 'ms')}`),
    row('lag', `${whole(figures.lagRecords)} records`, `${seconds(figures.lagSeconds)} behind`),
    row('reads', `${rate(figures.readsPerSecond)}/s`, `L1 ${pair(figures.readMicroseconds, 'µs')}`),
    row('', '', `L2 ${pair(figures.l2ReadMs, 'ms')}${figures.l2IsUp === false ? ', AWAY' : ''}`),
    row('hit ratio', percent(figures.hitRatio), bar(figures.hitRatio)),
    row('', '', sparkline(hitRatios)),
    row('warming adds', ...improvement(figures)),
    row('warms', `${rate(figures.warmsPerSecond)}/s`, warmWords(figures)),
    row('tracking', `${whole(figures.pairsTracked)} pairs`, `p95 ${number(figures.trackingMicrosecondsP95)} µs`),
    row('memory', bytes(figures.residentBytes), `L1 ${bytes(figures.l1Bytes)} of ${bytes(figures.l1CapacityBytes)}`),
    row('trouble', ...trouble(figures)),
    ...chainLines(figures.chains),
    ...warmLines(figures.warms),
  ]
  return lines.map((line) => line.slice(0, COLUMNS).trimEnd())
}

function row(name: string, first: string, rest: string): string {
  return `  ${name.padEnd(13)} ${first.padEnd(16)} ${rest}`
}

function improvement({ improvement: found }: TopFigures): [string, string] {
  if (found === undefined) return ['–', 'points; the control group says nothing yet']
  const { points, low, high } = found
  return [`${number(points)} points`, `since the start (95 %: ${number(low)} to ${number(high)})`]
}

function warmWords({ warmSuccess, warmMsP95, pairsAWarm }: TopFigures): string {
  return `${percent(warmSuccess)} succeed, p95 ${number(warmMsP95)} ms, ${number(pairsAWarm)} pairs each`
}

function trouble({ deadLetters, detectorErrors, drops }: TopFigures): [string, string] {
  return [`${whole(deadLetters)} dead letters`, `${whole(detectorErrors)} faults of detectors, ${whole(drops)} drops`]
}

function chainLines(chains: readonly ChainFigures[]): readonly string[] {
  if (chains.length < 2) return []
  return [
    '',
    `  ${'chain'.padEnd(30)} ${'updates/s'.padStart(12)} ${'hit ratio'.padStart(12)}`,
    ...chains.slice(0, MOST_ROWS).map(({ chain, updatesPerSecond, hitRatio }) => {
      const figures = `${rate(updatesPerSecond).padStart(12)} ${percent(hitRatio).padStart(12)}`
      return `  ${fitted(chain, 30)} ${figures}`
    }),
    ...more(chains.length),
  ]
}

function warmLines(warms: readonly WarmsOf[]): readonly string[] {
  if (warms.length === 0) return []
  return [
    '',
    `  ${'warms by'.padEnd(30)} ${'used'.padStart(12)} ${'unused'.padStart(12)} ${'read'.padStart(9)}`,
    ...warms.slice(0, MOST_ROWS).map(({ strategy, used, unused }) => {
      const figures = `${whole(used).padStart(12)} ${whole(unused).padStart(12)} ${percent(used / (used + unused)).padStart(9)}`
      return `  ${fitted(strategy, 30)} ${figures}`
    }),
    ...more(warms.length),
  ]
}

function more(count: number): readonly string[] {
  return count > MOST_ROWS ? [`  and ${count - MOST_ROWS} more`] : []
}

/** Names come from feeds: a control character would move the cursor. */
function fitted(name: string, columns: number): string {
  const shown = name.replace(/\p{C}/gu, '·')
  return (shown.length > columns ? `${shown.slice(0, columns - 1)}…` : shown).padEnd(columns)
}

function bar(ratio: number | undefined): string {
  const filled = Math.round((ratio ?? 0) * BAR_CELLS)
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
}

function sparkline(ratios: readonly (number | undefined)[]): string {
  return ratios.map((ratio) => (ratio === undefined ? ' ' : TICKS[Math.min(7, Math.floor(ratio * 8))])).join('')
}

function pair({ p50, p99 }: Quantiles, unit: string): string {
  return `p50 ${number(p50)}, p99 ${number(p99)} ${unit}`
}

function number(value: number | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

function whole(value: number | undefined): string {
  return value === undefined ? '–' : Math.round(value).toLocaleString('en-US')
}

function rate(value: number | undefined): string {
  return value !== undefined && value < 100 ? number(value) : whole(value)
}

function seconds(value: number | undefined): string {
  return value === undefined ? '–' : `${number(value)} s`
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${(ratio * 100).toFixed(1)} %`
}

function bytes(value: number | undefined): string {
  return value === undefined ? '–' : `${number(value / 2 ** 20)} MB`
}
