import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

const BIN = fileURLToPath(new URL('../../bin/stack.ts', import.meta.url))

let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forewarm-bin-'))
})

afterAll(() => rmSync(dir, { recursive: true }))

function stack(...args: string[]) {
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', BIN, ...args], {
    env: { PATH: dir, FOREWARM_STACK_DIR: join(dir, 'stack') },
    encoding: 'utf8',
  })
}

describe('a wrong call of the stack ends with code 2 and says what is wrong', () => {
  test.each([
    [[], 'a command is missing'],
    [['begin'], 'unknown command: begin'],
    [['start', 'now'], 'too many arguments: now'],
    [['start', '--brokers', '2'], '--brokers must be 1 or 3, not 2'],
    [['stop', '--brokers', '1'], '--brokers goes with start'],
    [['start', '--broker', '1'], '--broker'],
  ])('%j', (args, wrong) => {
    const { status, stdout, stderr } = stack(...args)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(wrong)
    expect(stderr).toContain('usage: ')
  })
})

test.each(['--help', 'help'])('the stack prints its help on standard output: %s', (word) => {
  const { status, stdout } = stack(word)
  expect(status).toBe(0)
  expect(stdout).toContain('start [--brokers 1|3]')
})

test('status of a stack that does not run ends with code 1 and an empty standard output', () => {
  const { status, stdout, stderr } = stack('status')
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: 'stack: not running\n' })
})

test('stop and wipe of a stack that does not run end with code 0', () => {
  expect(stack('stop').status).toBe(0)
  expect(stack('wipe').status).toBe(0)
})

test('start of a stack without Java ends with code 1 and says what to install', () => {
  const { status, stdout, stderr } = stack('start')
  expect(status).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain('install a JDK 17 or newer and Maven')
})
