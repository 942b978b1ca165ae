import { type Path, valueAt } from '../path.ts'
import { numberIn } from './leaves.ts'

/**
 * How often the numbers go back. Those of each pair are looked at by themselves, as sequences count within one. Without
 * names in the items they are looked at as one.
 */
export function timesBack(items: readonly unknown[], sequence: Path, names: readonly Path[]): number {
  const last = new Map<string, number>()
  let back = 0
  for (const item of items) {
    const number = numberIn(valueAt(item, sequence))
    if (number === undefined) continue
    const pair = JSON.stringify(names.map((name) => valueAt(item, name)))
    if (number < (last.get(pair) ?? Number.NEGATIVE_INFINITY)) back++
    last.set(pair, number)
  }
  return back
}
