import { type Detector, isDetector } from '../../src/detect/detector.ts'
import { UsageError } from '../usage-error.ts'
import { exportsOf } from './user-module.ts'

/** The detectors that a module exports, one by one or in lists, under any name; none without a file. Throws a UsageError. */
export async function loadDetectors(file: string | undefined): Promise<readonly Detector[]> {
  if (file === undefined) return []
  const detectors = new Set((await exportsOf('--detectors', file)).filter(isDetector))
  if (detectors.size === 0)
    throw new UsageError(
      `--detectors: ${file} exports no detectors; make them with detector(name, subscription, function)`,
    )
  return [...detectors]
}
