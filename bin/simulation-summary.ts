import type { SimulationRow } from '../src/simulate/simulation-row.ts'
import { isBaseline, type WarmingName } from '../src/simulate/warmings.ts'
import { escaped } from './line-chart.ts'
import type { Naming } from './simulation-lines.ts'
import { percent } from './simulation-text.ts'

const HEADINGS = ['slots', '', 'without', 'with warming', 'misses saved', 'L2 reads for each', 'oracle', 'warming']

/**
 * What warming brings, a line a capacity, of rows of one delay: the best of what was tried with the policy that a node has,
 * unless only others were; held against the same policy without warming. Empty where only baselines were run, or nothing
 * to hold them against.
 */
export function simulationSummary(rows: readonly SimulationRow[], { labelOf }: Naming): string {
  const capacities = [...new Set(rows.map(({ capacity }) => capacity))].toSorted((a, b) => a - b)
  const ofNode = rows.filter(({ policy }) => policy === 'forewarm')
  const told = ofNode.length > 0 ? ofNode : rows
  const lines = capacities.flatMap((capacity) => {
    const here = told.filter((row) => row.capacity === capacity)
    const [best] = here.filter(({ warming }) => !isBaseline(warming)).toSorted((a, b) => b.hitRatio - a.hitRatio)
    if (best === undefined) return []
    const beside = (name: WarmingName) => here.find(({ policy, warming }) => policy === best.policy && warming === name)
    const none = beside('none')
    if (none === undefined) return []
    const [without, bound] = [none.hitRatio, beside('oracle')?.hitRatio]
    return [
      [
        escaped(`${percent(capacity)} (${best.slots.toLocaleString('en-US')})`),
        bar(without, best.hitRatio),
        without.toFixed(4),
        `<strong>${best.hitRatio.toFixed(4)}</strong>`,
        best.coverage === null ? '–' : `${(best.coverage * 100).toFixed(1)} %`,
        best.l2ReadsPerSavedMiss?.toFixed(2) ?? '–',
        bound === undefined ? '–' : bound.toFixed(4),
        escaped(labelOf(best)),
      ],
    ]
  })
  if (lines.length === 0) return ''
  const rowOf = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table class="summary"><thead>${rowOf(HEADINGS, 'th')}</thead>
<tbody>${lines.map((cells) => rowOf(cells, 'td')).join('\n')}</tbody></table></div>`
}

/** Of a share: what it is without warming, and what warming adds or takes away. */
function bar(without: number, withIt: number): string {
  const change = withIt >= without ? 'more' : 'less'
  const width = (share: number) => `style="width:${(share * 100).toFixed(1)}%"`
  const common = Math.min(without, withIt)
  return `<span class="bar"><i ${width(common)}></i><i class="${change}" ${width(Math.abs(withIt - without))}></i></span>`
}
