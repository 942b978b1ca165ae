import { basename } from 'node:path'
import type { SimulationRow } from '../../src/simulate/row.ts'
import type { Sample } from '../../src/simulate/simulate.ts'
import { isBaseline } from '../../src/simulate/warmings/warmings.ts'
import { percent, type TrafficKind, wholeTable } from '../terminal/simulation-text.ts'
import { readWhen } from '../terminal/verdict.ts'
import { type Chart, type ChartLine, escaped, legend, lineChart } from './line-chart.ts'
import { naming } from './lines.ts'
import { simulationSummary } from './summary.ts'

/** One combination of a report: its row, and the samples taken on the way. */
export interface Simulated {
  readonly row: SimulationRow
  readonly samples: readonly Sample[]
}

const STYLE = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{max-width:1120px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}p{margin:.3rem 0;opacity:.75}figure{margin:0}
figcaption{font-weight:600;font-size:13px;margin:.6rem 0 .2rem 46px}svg text{fill:currentColor;font-size:12px}.grid{stroke:currentColor;opacity:.15}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:0 1rem}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:1.2rem 0 0;font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12px;white-space:nowrap;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .5rem;text-align:right;border-bottom:1px solid color-mix(in srgb,currentColor 15%,transparent)}
.caution{color:#d55e00;opacity:1}.summary{font-size:14px}.summary td,.summary th{padding:.3rem .8rem}.verdict{font-size:1.1rem;font-weight:600;opacity:1;margin:.3rem 0 .6rem}.bar{display:inline-flex;width:180px;height:12px;
background:color-mix(in srgb,currentColor 8%,transparent)}.bar i{background:#8c8c8c}.bar .more{background:#0072b2}.bar .less{background:#d55e00}
@media(max-width:600px){.summary td,.summary th{padding:.3rem .4rem}.summary :is(td,th):nth-child(2),.bars{display:none}}`

/** One HTML page without other files: what warming saves, hit ratios by capacity and over time, and every row. */
export function simulationReport(all: readonly Simulated[], kind: TrafficKind, caution?: string): string {
  const simulated = withoutRepeats(all)
  const rows = simulated.map(({ row }) => row)
  const input = basename(rows[0]?.input ?? '')
  const reads = (rows[0]?.reads ?? 0).toLocaleString('en-US')
  const delays = [...new Set(rows.map(({ delayMs }) => delayMs))].toSorted((a, b) => a - b)
  const sections = delays.map((delayMs) => {
    const here = simulated.filter(({ row }) => row.delayMs === delayMs)
    return `${kind === 'prices' ? `<h2>Read ${readWhen(delayMs)}</h2>` : ''}${sectionOf(here, kind)}`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>forewarm simulate: ${escaped(input)}</title><style>${STYLE}</style></head>
<body><h1>What warming would save</h1>
<p>${escaped(input)}, ${reads} reads.<span class="bars"> In the bars, grey is hit without warming, blue is what warming adds, red what it takes away.</span></p>${caution === undefined ? '' : `\n<p class="caution">${escaped(caution)}</p>`}
${sections.join('\n')}
<h2>Every row</h2>
${tableOf(rows, kind)}
<p>docs/prediction.md says what the columns are, and what is not simulated.</p></body></html>
`
}

function sectionOf(simulated: readonly Simulated[], kind: TrafficKind): string {
  const rows = simulated.map(({ row }) => row)
  const names = naming(rows)
  const drawn = (row: SimulationRow, points: ChartLine['points']): ChartLine => ({
    ...{ label: names.labelOf(row), stroke: names.strokeOf(row), points },
  })
  const capacities = [...new Set(rows.map(({ capacity }) => capacity))].toSorted((a, b) => a - b)
  const lines = [...Map.groupBy(rows, names.labelOf).values()].flatMap((alike): ChartLine[] => {
    const [first] = alike
    const rising = alike.toSorted((a, b) => a.capacity - b.capacity)
    // Even steps, as capacities often differ by orders of magnitude.
    const points = rising.map(({ capacity, hitRatio }) => [capacities.indexOf(capacity), hitRatio] as const)
    return first === undefined ? [] : [drawn(first, points)]
  })
  const charts = [
    byCapacity(lines, capacities, kind),
    ...capacities.map((capacity) => {
      const here = simulated.filter(({ row }) => row.capacity === capacity)
      const hitRatios = here.map(({ row, samples }) => drawn(row, pointsOf(samples)))
      return overTime(hitRatios, capacity, kind)
    }),
  ]
  return `${simulationSummary(rows, kind, names)}
${legend(lines)}
<div class="charts">${charts.map(lineChart).join('\n')}</div>`
}

function byCapacity(lines: readonly ChartLine[], capacities: readonly number[], kind: TrafficKind): Chart {
  const xMarks = capacities.map((capacity, at) => [at, percent(capacity)] as const)
  const xLabel = `slots, of all ${kind === 'prices' ? 'pairs' : 'keys'}`
  return { title: 'Hit ratio by capacity', xLabel, lines, xMarks, withDots: true }
}

function overTime(lines: readonly ChartLine[], capacity: number, kind: TrafficKind): Chart {
  const xMarks = [0, 25, 50, 75, 100].map((at) => [at / 100, `${at} %`] as const)
  const title = `Hit ratio over time, slots for ${percent(capacity)}`
  const xLabel = kind === 'prices' ? 'of the updates' : 'of the accesses'
  return { title, xLabel, lines, xMarks, withDots: false }
}

/** The hit ratio between each two samples, rather than from the start. */
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

/** Look-ahead and attribution make no difference to baselines: one row of each is enough. */
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

function tableOf(rows: readonly SimulationRow[], kind: TrafficKind): string {
  const { headings, cellsOf } = wholeTable(kind)
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table><thead>${line(headings, 'th')}</thead>
<tbody>${rows.map((row) => line(cellsOf(row), 'td')).join('\n')}</tbody></table></div>`
}
