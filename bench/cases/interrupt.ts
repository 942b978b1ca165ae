import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Bench, Figure } from '../harness/bench.ts'
import { COMMAND } from '../stages/command.ts'
import type { Stage } from '../stages/stage.ts'

/** How long `npm start` goes on after Ctrl-C, the longest of all rounds: signal to end of the process. */
export const interrupt: Bench = { name: 'interrupt', cases }

const INTERRUPTED = 130

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const ms: number[] = []
  for (let round = 0; round < stage.runs; round++) ms.push(await interruptedAfter())
  yield { kind: 'value', case: 'longest end after Ctrl-C', unit: 'ms', value: Math.max(...ms) }
}

async function interruptedAfter(): Promise<number> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', COMMAND, 'dev', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  // The first figures: everything runs.
  await Promise.race([once(child.stdout, 'data'), ended])
  const startMs = performance.now()
  child.kill('SIGINT')
  const [code] = await ended
  if (code !== INTERRUPTED) throw new Error(`expected exit code ${INTERRUPTED} after Ctrl-C, got ${code}`)
  return performance.now() - startMs
}
