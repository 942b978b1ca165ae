import { expect, test } from '@jest/globals'
import { untilReady } from '../../../deploy/stack/ready.ts'

const REFUSED = new Error('connection refused')

test('the wait for a server ends when it is ready, however often it was not before', async () => {
  const answers = [() => Promise.reject(REFUSED), async () => false, async () => true]
  const wait = { timeoutMs: 60_000, signal: new AbortController().signal }
  await untilReady(wait, 'Redis', async () => answers.shift()?.() ?? false)
  expect(answers).toEqual([])
})

test('the wait for a server that is not ready in time fails with the last refusal as its cause', async () => {
  const wait = { timeoutMs: 0, signal: new AbortController().signal }
  await expect(untilReady(wait, 'Redis', () => Promise.reject(REFUSED))).rejects.toMatchObject({
    code: 'not-ready',
    message: 'Redis was not ready after 0 s.',
    cause: REFUSED,
  })
})

test('the wait for a server whose process is gone fails with how it went', async () => {
  const process = new AbortController()
  const wait = { timeoutMs: 60_000, signal: process.signal }
  const waiting = untilReady(wait, 'Redis', async () => {
    process.abort(new Error('ended with code 70'))
    return false
  })
  await expect(waiting).rejects.toThrow('ended with code 70')
})
