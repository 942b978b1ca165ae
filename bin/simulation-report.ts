import type { Sample } from '../src/simulate/simulate.ts'
import type { Combination, SimulationRow } from '../src/simulate/simulation-row.ts'
import { isBaseline } from '../src/simulate/warmings.ts'
import { type ChartLine, escaped, lineChart } from './line-chart.ts'
import { simulationTable } from './simulation-text.ts'

/** What a report is made of: a row and how it came about, for each combination. */
export interface Simulated {
  readonly row: SimulationRow
  readonly samples: readonly Sample[]
}

const STYLE = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{max-width:760px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}figure{margin:2rem 0}figcaption{font-weight:600;margin-bottom:.5rem}svg text{fill:currentColor;font-size:12px}
.grid{stroke:currentColor;opacity:.15}.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12px;white-space:nowrap}td,th{padding:.15rem .6rem;text-align:right;
border-bottom:1px solid color-mix(in srgb,currentColor 15%,transparent)}`

/** One page that needs nothing else: hit ratio by capacity and over time, and every row. */
export function simulationReport(all: readonly Simulated[], of: 'accesses' | 'prices'): string {
  const simulated = withoutRepeats(all)
  const rows = simulated.map(({ row }) => row)
  const input = rows[0]?.input ?? ''
  const capacities = [...new Set(rows.map(({ capacity }) => capacity))].toSorted((a, b) => a - b)
  const charts = [
    byCapacity(rows, capacities),
    ...capacities.map((capacity) =>
      overTime(
        simulated.filter(({ row }) => row.capacity === capacity),
        capacity,
        of,
      ),
    ),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>forewarm simulate: ${escaped(input)}</title><style>${STYLE}</style></head>
<body><h1>What warming would save</h1>
<p>${escaped(input)}, ${(rows[0]?.reads ?? 0).toLocaleString('en-US')} reads by detectors.</p>
<ul>${headlines(rows, capacities)
    .map((line) => `<li>${escaped(line)}</li>`)
    .join('')}</ul>
${charts.join('\n')}
${tableOf(rows, of)}
<p>docs/prediction.md says what the columns are, and what is not simulated.</p></body></html>
`
}

/** For each capacity, ours against nothing and against what knows the future; the best of ours where there are several. */
function headlines(rows: readonly SimulationRow[], capacities: readonly number[]): readonly string[] {
  return capacities.flatMap((capacity) => {
    const best = (warming: SimulationRow['warming']): SimulationRow | undefined =>
      rows
        .filter((row) => row.capacity === capacity && row.warming === warming && row.policy === 'forewarm')
        .toSorted((a, b) => b.hitRatio - a.hitRatio)[0]
    const [none, ours, oracle] = [best('none'), best('forewarm'), best('oracle')]
    if (none === undefined || ours === undefined) return []
    const bound = oracle === undefined ? '' : `; ${oracle.hitRatio.toFixed(4)} if one knew what comes`
    const cost = ours.l2ReadsPerSavedMiss === null ? '' : `, at ${ours.l2ReadsPerSavedMiss.toFixed(2)} reads of L2 each`
    const saved = ours.coverage === null ? '' : `: ${(ours.coverage * 100).toFixed(1)} % of the misses saved${cost}`
    const hits = `hit ratio ${none.hitRatio.toFixed(4)} without warming, ${ours.hitRatio.toFixed(4)} with it`
    return [`${percent(capacity)} (${none.slots.toLocaleString('en-US')} slots): ${hits}${saved}${bound}`]
  })
}

function byCapacity(rows: readonly SimulationRow[], capacities: readonly number[]): string {
  const nameOf = naming(rows)
  const byName = Map.groupBy(rows, nameOf)
  // Even steps: capacities are chosen by orders of magnitude.
  const lines = [...byName].map(([label, of]): ChartLine => {
    const points = of.map(({ capacity, hitRatio }) => [capacities.indexOf(capacity), hitRatio] as const)
    return { label, points: points.toSorted(([a], [b]) => a - b) }
  })
  const xMarks = capacities.map((capacity, at) => [at, percent(capacity)] as const)
  return lineChart({ title: 'Hit ratio by capacity', xLabel: 'slots, of all pairs', lines, xMarks, withDots: true })
}

function overTime(simulated: readonly Simulated[], capacity: number, of: 'accesses' | 'prices'): string {
  const nameOf = naming(simulated.map(({ row }) => row))
  const lines = simulated.map(({ row, samples }) => ({ label: nameOf(row), points: pointsOf(samples) }))
  const xMarks = [0, 25, 50, 75, 100].map((at) => [at / 100, `${at} %`] as const)
  const title = `Hit ratio over time, ${percent(capacity)} of the pairs`
  return lineChart({
    title,
    xLabel: of === 'prices' ? 'of the updates' : 'of the accesses',
    lines,
    xMarks,
    withDots: false,
  })
}

/** Of each stretch between two samples, not of all so far. */
function pointsOf(samples: readonly Sample[]): readonly (readonly [number, number])[] {
  let before: Sample = { fraction: 0, reads: 0, hits: 0 }
  const points: (readonly [number, number])[] = []
  for (const sample of samples) {
    if (sample.reads === before.reads) continue
    points.push([sample.fraction, (sample.hits - before.hits) / (sample.reads - before.reads)])
    before = sample
  }
  return points
}

/** Baselines know nothing of look-ahead and attribution: once each is enough. */
function withoutRepeats(all: readonly Simulated[]): readonly Simulated[] {
  const first = new Map<string, Simulated>()
  for (const simulated of all) {
    const { policy, warming, capacity, delayMs, lookAhead, attribution } = simulated.row
    const ours = isBaseline(warming) ? [] : [lookAhead, attribution]
    const key = JSON.stringify([policy, warming, capacity, delayMs, ...ours])
    if (!first.has(key)) first.set(key, simulated)
  }
  return [...first.values()]
}

/** A combination by what tells it from the others; of its capacity nothing. */
function naming(rows: readonly Combination[]): (row: Combination) => string {
  const parts: readonly ((row: Combination) => string)[] = [
    ({ policy }) => policy,
    ({ warming }) => warming,
    ({ delayMs }) => `${delayMs} ms`,
    ({ warming, lookAhead }) => (isBaseline(warming) ? '' : `look-ahead ${lookAhead}`),
    ({ warming, attribution }) => (isBaseline(warming) ? '' : `attribution ${attribution}`),
  ]
  const differs = (part: (row: Combination) => string) => new Set(rows.map(part).filter((name) => name !== '')).size > 1
  const telling = parts.filter(differs)
  return (row) =>
    telling
      .map((part) => part(row))
      .filter((name) => name !== '')
      .join(', ') || row.warming
}

function tableOf(rows: readonly SimulationRow[], of: 'accesses' | 'prices'): string {
  const { headings, cellsOf } = simulationTable(of)
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table><thead>${line(headings, 'th')}</thead>
<tbody>${rows.map((row) => line(cellsOf(row), 'td')).join('\n')}</tbody></table></div>`
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}
