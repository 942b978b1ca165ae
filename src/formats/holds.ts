import type { Condition } from './mapping/mapping.ts'
import { type Path, valueAt } from './path.ts'

/** Whether the condition holds for a record. A null is there. */
export function holds(condition: Condition, item: unknown, around: readonly unknown[]): boolean {
  if (!('test' in condition)) return false
  const { test, path, isOuter } = condition
  const value = isOuter ? outerAt(around, path) : valueAt(item, path)
  if (test.kind === 'exists') return value !== undefined
  if (test.kind === 'absent') return value === undefined
  if (test.kind === 'equals') return value === test.value
  return typeof value === 'string' && test.pattern.test(value)
}

/** The value at the path in the innermost of the records that has one. */
export function outerAt(around: readonly unknown[], path: Path): unknown {
  for (const each of around) {
    const value = valueAt(each, path)
    if (value !== undefined) return value
  }
  return undefined
}
