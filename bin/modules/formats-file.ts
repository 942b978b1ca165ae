import { type FormatRule, isFormatRule } from '../../src/formats/formats.ts'
import { UsageError } from '../usage-error.ts'
import { exportsOf } from './user-module.ts'

/** The formats that a module exports, in the order of their names; none without a file. Throws a UsageError. */
export async function loadFormats(file: string | undefined): Promise<readonly FormatRule[]> {
  if (file === undefined) return []
  const rules = new Set((await exportsOf('--formats', file)).filter(isFormatRule))
  if (rules.size === 0)
    throw new UsageError(`--formats: ${file} exports no formats; make them with format(topic, function or mapping)`)
  return [...rules]
}
