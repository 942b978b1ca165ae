import { resolve } from 'node:path'

/** The folder of the recorded data, which is not part of this repository. */
export const DATASETS = process.env.FOREWARM_DATASETS ?? resolve(import.meta.dirname, '../../../shared/datasets')
