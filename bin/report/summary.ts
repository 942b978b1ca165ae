import type { SimulationRow } from '../../src/simulate/row.ts'
import { percent, type TrafficKind } from '../terminal/simulation-text.ts'
import { comparedRows, verdict } from '../terminal/verdict.ts'
import { escaped } from './line-chart.ts'
import type { Naming } from './lines.ts'

const HEADINGS = ['slots', '', 'without', 'with warming', 'misses saved', 'L2 reads for each', 'oracle', 'warming']

/** What warming brings, as a verdict and a line for each capacity. Empty if nothing was compared. */
export function simulationSummary(rows: readonly SimulationRow[], kind: TrafficKind, { labelOf }: Naming): string {
  const compared = comparedRows(rows, kind)
  if (compared.length === 0) return ''
  const lines = compared.map(({ told, without, bound }) => [
    escaped(`${percent(told.capacity)} (${told.slots.toLocaleString('en-US')})`),
    bar(without, told.hitRatio),
    without.toFixed(4),
    `<strong>${told.hitRatio.toFixed(4)}</strong>`,
    told.coverage === undefined ? '–' : `${(told.coverage * 100).toFixed(1)} %`,
    told.l2ReadsPerSavedMiss?.toFixed(2) ?? '–',
    bound === undefined ? '–' : bound.toFixed(4),
    escaped(labelOf(told)),
  ])
  const rowOf = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<p class="verdict">${escaped(verdict(rows, kind))}</p>
<div class="scroll"><table class="summary"><thead>${rowOf(HEADINGS, 'th')}</thead>
<tbody>${lines.map((cells) => rowOf(cells, 'td')).join('\n')}</tbody></table></div>`
}

/** A bar of the hit ratio without warming, and of what warming adds or takes away. */
function bar(without: number, withIt: number): string {
  const change = withIt >= without ? 'more' : 'less'
  const width = (share: number) => `style="width:${(share * 100).toFixed(1)}%"`
  const common = Math.min(without, withIt)
  return `<span class="bar"><i ${width(common)}></i><i class="${change}" ${width(Math.abs(withIt - without))}></i></span>`
}
