import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { endMarked, isStillThere, markProcess } from '../../../deploy/stack/process-mark.ts'

async function sleeper(script = 'setInterval(() => {}, 1000); console.log("up")') {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const mark = markProcess('sleeper', child.pid ?? 0)
  if (mark === undefined) throw new Error('no mark for a running process')
  return { child, mark }
}

test('a marked process counts as there until it ends', async () => {
  const { child, mark } = await sleeper()
  expect(isStillThere(mark)).toBe(true)
  await endMarked(mark, 10_000)
  expect(isStillThere(mark)).toBe(false)
  expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGTERM')
})

test('a marked process that ignores SIGTERM is killed after its grace period', async () => {
  const { child, mark } = await sleeper(
    'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")',
  )
  await endMarked(mark, 50)
  expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGKILL')
})

test('a process with the number of a marked one but another start time is not that process', async () => {
  const { child, mark } = await sleeper()
  const former = { ...mark, startedAt: `${mark.startedAt}0` }
  expect(isStillThere(former)).toBe(false)
  await endMarked(former, 10_000)
  expect(isStillThere(mark)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test('a process number that is not in use gives no mark', async () => {
  const { child, mark } = await sleeper()
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(markProcess('sleeper', mark.pid)).toBeUndefined()
})
