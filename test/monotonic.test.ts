import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import { monotonicMs, originMs } from '../src/monotonic.ts'

const ASKED = 20
/** About ten seconds. */
const MOST_LOOKS = 1e9
/** The shared clock is read in microseconds. */
const INEXACT_MS = 0.01

test('the origin of a clock is that of the look which took the least time', () => {
  let atMs = 5
  const tookMs = [200, 3, 0.5, 0.25, 0.5]
  let look = 0
  const shared = () => {
    const half = (tookMs[look++ % tookMs.length] ?? 0) / 2
    atMs += half
    const now = atMs + 1_000
    // All of a long look was spent before the shared clock was read.
    atMs += half
    return now + (half === 100 ? 100 : 0)
  }
  expect(originMs(shared, () => atMs)).toBe(1_000)
})

test('a time that another thread tells lies between those of this thread before and after it', async () => {
  const turns = new Int32Array(new SharedArrayBuffer(8))
  const answers = new Float64Array(new SharedArrayBuffer(8 * ASKED))
  const worker = new Worker(new URL('./monotonic-thread.ts', import.meta.url), { workerData: { turns, answers } })
  const asked: { readonly beforeMs: number; readonly afterMs: number }[] = []
  try {
    await once(worker, 'online')
    for (let turn = 1; turn <= ASKED; turn++) {
      const beforeMs = monotonicMs()
      Atomics.store(turns, 0, turn)
      for (let looks = 0; Atomics.load(turns, 1) < turn && looks < MOST_LOOKS; looks++);
      asked.push({ beforeMs, afterMs: monotonicMs() })
    }
  } finally {
    await worker.terminate()
  }
  const wrong = asked.filter(
    ({ beforeMs, afterMs }, at) =>
      (answers[at] as number) < beforeMs - INEXACT_MS || (answers[at] as number) > afterMs + INEXACT_MS,
  )
  expect(wrong).toEqual([])
})
