import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Detector, isDetector } from '../src/detect/detector.ts'
import { runMarked } from '../src/detect/stray-errors.ts'
import { UsageError } from './usage-error.ts'

/** The detectors that a module exports, one by one or in lists, under any name; none without a file. Throws a UsageError. */
export async function loadDetectors(file: string | undefined): Promise<readonly Detector[]> {
  if (file === undefined) return []
  let exported: readonly unknown[]
  try {
    const module = runMarked(basename(file), () => import(pathToFileURL(resolve(file)).href))
    exported = Object.values(await module)
  } catch (cause) {
    throw new UsageError(`--detectors: ${file} cannot be loaded: ${reasonOf(cause)}`)
  }
  const detectors = new Set(exported.flat().filter(isDetector))
  if (detectors.size === 0)
    throw new UsageError(
      `--detectors: ${file} exports no detectors; make them with detector(name, subscription, function)`,
    )
  return [...detectors]
}

/** A module may throw anything, also what throws when it is looked at. */
function reasonOf(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause)
  } catch {
    return 'it threw a value that cannot be read'
  }
}
