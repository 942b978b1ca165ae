import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const DATASETS = process.env.FOREWARM_DATASETS ?? resolve(import.meta.dirname, '../../../shared/datasets')

/** The path of a recorded file; undefined, with a warning, if it is missing. */
export function dataset(...path: readonly string[]): string | undefined {
  const file = join(DATASETS, ...path)
  if (existsSync(file)) return file
  console.warn(`no ${file}: set FOREWARM_DATASETS to where the recorded data is; this test shows nothing without`)
  return undefined
}
