import type { SimulationRow } from '../../src/simulate/row.ts'
import { isBaseline, type WarmingName } from '../../src/simulate/warmings/warmings.ts'
import { percent } from '../terminal/simulation-text.ts'
import { escaped } from './line-chart.ts'
import type { Naming } from './lines.ts'

const HEADINGS = ['slots', '', 'without', 'with warming', 'misses saved', 'L2 reads for each', 'oracle', 'warming']

/** A smaller share of the misses is shown as nothing. */
const LEAST_SAVED = 0.0005

/**
 * What warming brings, as a sentence and a line for each capacity; the rows are of one delay. A line shows the best
 * warming with the policy of a node (any policy, if that one was not run) beside the same policy without warming.
 * Empty if no warming was run, or nothing to compare it with.
 */
export function simulationSummary(rows: readonly SimulationRow[], { labelOf }: Naming): string {
  const capacities = [...new Set(rows.map(({ capacity }) => capacity))].toSorted((a, b) => a - b)
  const ofNode = rows.filter(({ policy }) => policy === 'forewarm')
  const told = ofNode.length > 0 ? ofNode : rows
  const compared = capacities.flatMap((capacity) => {
    const here = told.filter((row) => row.capacity === capacity)
    const [best] = here.filter(({ warming }) => !isBaseline(warming)).toSorted((a, b) => b.hitRatio - a.hitRatio)
    const beside = (name: WarmingName) =>
      here.find(({ policy, warming }) => policy === best?.policy && warming === name)?.hitRatio
    const without = beside('none')
    return best === undefined || without === undefined ? [] : [{ best, without, bound: beside('oracle') }]
  })
  if (compared.length === 0) return ''
  const lines = compared.map(({ best, without, bound }) => [
    escaped(`${percent(best.capacity)} (${best.slots.toLocaleString('en-US')})`),
    bar(without, best.hitRatio),
    without.toFixed(4),
    `<strong>${best.hitRatio.toFixed(4)}</strong>`,
    best.coverage === undefined ? '–' : `${(best.coverage * 100).toFixed(1)} %`,
    best.l2ReadsPerSavedMiss?.toFixed(2) ?? '–',
    bound === undefined ? '–' : bound.toFixed(4),
    escaped(labelOf(best)),
  ])
  const rowOf = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<p class="verdict">${escaped(
    verdict(
      compared.map(({ best }) => best),
      told,
    ),
  )}</p>
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

/** Says whether warming pays, from the best row of each capacity, and with which look-ahead if several were run. */
function verdict(best: readonly SimulationRow[], told: readonly SimulationRow[]): string {
  const { yes = [], no = [] } = Object.groupBy(best, ({ coverage }) => ((coverage ?? 0) >= LEAST_SAVED ? 'yes' : 'no'))
  if (yes.length === 0) return 'Warming saves nothing here: leave it off.'
  const saved = range(yes.map(({ coverage }) => ((coverage ?? 0) * 100).toFixed(1)))
  const reads = range(yes.map(({ l2ReadsPerSavedMiss }) => l2ReadsPerSavedMiss?.toFixed(2) ?? '–'))
  const not =
    no.length === 0 ? '' : `; nothing with slots for ${no.map(({ capacity }) => percent(capacity)).join(', ')}`
  const tried = lookAheadsOf(told.filter(({ warming }) => !isBaseline(warming)))
  const subject = tried.length > 1 ? `With LOOK_AHEAD=${lookAheadsOf(yes).join(' or ')}, warming` : 'Warming'
  return `${subject} saves ${saved} % of the misses, for ${reads} reads of L2 each (1 is free: the miss would have read it)${not}.`
}

function lookAheadsOf(rows: readonly SimulationRow[]): readonly string[] {
  return [...new Set(rows.map(({ lookAhead }) => lookAhead))]
}

/** The least and the greatest of printed numbers. */
function range(shown: readonly string[]): string {
  const sorted = shown.toSorted((a, b) => Number(a) - Number(b))
  const [least = '', most = ''] = [sorted[0], sorted.at(-1)]
  return least === most ? least : `${least} to ${most}`
}
