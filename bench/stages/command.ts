import { fileURLToPath } from 'node:url'

/** The command line, for benches that run it as a process of its own. */
export const COMMAND = fileURLToPath(new URL('../../bin/forewarm.ts', import.meta.url))
