import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { alone } from '../../../deploy/stack/lock.ts'

let dir: string
let file: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forewarm-lock-'))
  file = join(dir, 'held.lock')
})

afterEach(() => rmSync(dir, { recursive: true }))

test('pieces of work under one lock run one after the other', async () => {
  const events: string[] = []
  const work = (name: string) => async () => {
    events.push(`${name} begins`)
    await new Promise(setImmediate)
    events.push(`${name} ends`)
  }
  await Promise.all([alone(file, 10_000, work('first')), alone(file, 10_000, work('second'))])
  expect(events).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
})

test('a lock is released when the work fails', async () => {
  const failing = alone(file, 10_000, () => Promise.reject(new Error('no leader')))
  await expect(failing).rejects.toThrow('no leader')
  expect(existsSync(file)).toBe(false)
})

test('waiting too long for a lock fails with the code busy', async () => {
  await alone(file, 10_000, async () => {
    await expect(alone(file, 0, async () => 'never')).rejects.toMatchObject({ code: 'busy' })
  })
})

test('the lock of a killed process is taken over', async () => {
  writeFileSync(file, JSON.stringify({ name: 'holder', pid: process.pid, startedAt: 'before' }))
  expect(await alone(file, 10_000, async () => 'done')).toBe('done')
})

test('a lock file without a holder is taken over', async () => {
  writeFileSync(file, '')
  expect(await alone(file, 10_000, async () => 'done')).toBe('done')
  expect(readdirSync(dir)).toEqual([])
})
