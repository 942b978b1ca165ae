import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ReadTally, ThreadTask } from './thread.ts'

export interface ThreadsOptions {
  readonly pairs: number
  readonly slots: number
  readonly writesPerSecond: number
  readonly readers: number
  readonly readsEach: number
  readonly seed: number
}

export interface ThreadsReport {
  readonly readers: readonly ReadTally[]
  readonly written: number
  readonly seconds: number
}

/** Runs a writer and readers over one L1, each in a thread of its own, until the readers have finished. */
export async function readWhileWriting(options: ThreadsOptions): Promise<ThreadsReport> {
  const { pairs, slots, writesPerSecond, readers, readsEach, seed } = options
  const writer = start({ do: 'write', pairs, slots, perSecond: writesPerSecond })
  const [buffer] = (await once(writer, 'message')) as [SharedArrayBuffer]
  const tallies = await Promise.all(
    Array.from({ length: readers }, async (_, reader) => {
      const worker = start({ do: 'read', buffer, pairs, reads: readsEach, seed: seed + reader })
      const [tally] = (await once(worker, 'message')) as [ReadTally]
      return tally
    }),
  )
  writer.postMessage('enough')
  const [{ written, seconds }] = (await once(writer, 'message')) as [{ written: number; seconds: number }]
  return { readers: tallies, written, seconds }
}

function start(workerData: ThreadTask): Worker {
  return new Worker(new URL('./thread.ts', import.meta.url), { workerData })
}
