import { workerData } from 'node:worker_threads'
import { monotonicMs } from '../src/monotonic.ts'

/** Answers each question with the time. */
const { turns, answers }: { readonly turns: Int32Array; readonly answers: Float64Array } = workerData
for (let turn = 1; turn <= answers.length; turn++) {
  while (Atomics.load(turns, 0) < turn);
  answers[turn - 1] = monotonicMs()
  Atomics.store(turns, 1, turn)
}
