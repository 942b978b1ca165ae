import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect } from '@jest/globals'
import { testWithJava } from '../harness/java.ts'
import { until } from '../harness/until.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Enough on a busy machine, where the first start of a checkout has half a minute of preparations. */
const STARTS_MS = 240_000

let stateDir: string

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'forewarm-commands-'))
})

afterEach(async () => {
  await npm('run', '-s', 'stack', '--', 'wipe').ended
  rmSync(stateDir, { recursive: true })
})

/** Calls npm as a user would, with a separate stack. */
function npm(...args: string[]) {
  const child: ChildProcess = spawn('npm', args, {
    cwd: ROOT,
    env: { ...process.env, FOREWARM_STACK_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In its own process group, to be interrupted as by Ctrl-C in a terminal.
    detached: true,
  })
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const stderr = child.stderr === null ? Promise.resolve('') : text(child.stderr)
  const ended = Promise.all([code, stderr]).then(([code, stderr]) => ({ code, stdout: said, stderr }))
  return { child, said: () => said, ended }
}

function stack(...args: string[]) {
  return npm('run', '-s', 'stack', '--', ...args).ended
}

function interrupt({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGINT')
}

testWithJava(
  '`npm run stack` starts one broker and Redis, prints their addresses, stops and wipes them',
  async () => {
    expect(await stack('status')).toMatchObject({ code: 1, stdout: '' })
    const started = await stack('start')
    expect(started.stdout).toMatch(/^KAFKA_BROKERS=127\.0\.0\.1:\d+\nREDIS_URL=redis:\/\/127\.0\.0\.1:\d+\n$/)
    expect(await stack('status')).toMatchObject({ code: 0, stdout: started.stdout })
    expect(await stack('start')).toMatchObject({ code: 0, stdout: started.stdout })
    expect(await stack('start', '--brokers', '3')).toMatchObject({ code: 1, stdout: '' })
    expect(await stack('stop')).toMatchObject({ code: 0, stderr: expect.stringContaining('its data is kept') })
    expect(await stack('status')).toMatchObject({ code: 1, stdout: '' })
    expect(await stack('wipe')).toMatchObject({ code: 0, stderr: expect.stringContaining('its data is deleted') })
  },
  STARTS_MS,
)

testWithJava(
  '`npm run stack -- start --brokers 3` starts three brokers',
  async () => {
    expect(await stack('start', '--brokers', '3')).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^KAFKA_BROKERS=(127\.0\.0\.1:\d+,){2}127\.0\.0\.1:\d+\n/),
      stderr: expect.stringContaining('starting broker 1, broker 2, broker 3, Redis'),
    })
  },
  STARTS_MS,
)

testWithJava(
  '`npm start -- --stack local` runs on a real Kafka and Redis until Ctrl-C, and leaves them running',
  async () => {
    const dev = npm('start', '--', '--stack', 'local', '--json', '--port', '0')
    const figures = await until(
      'warms are read',
      () => {
        const lines = dev
          .said()
          .split('\n')
          .filter((line) => line.startsWith('{'))
        const last = JSON.parse(lines.at(-2) ?? '{}')
        return last.hitRatioWarmed > last.hitRatioUnwarmed && last.warmsPerSecond > 0 ? last : undefined
      },
      { timeoutMs: STARTS_MS },
    )
    expect(figures.updatesPerSecond).toBeGreaterThan(0)
    interrupt(dev.child)
    const { code, stderr } = await dev.ended
    // npm ends by the signal itself, which a shell reports as 130.
    expect([code ?? dev.child.signalCode, stderr]).toEqual(['SIGINT', expect.stringContaining('still running')])
    expect(await stack('status')).toMatchObject({ code: 0 })
  },
  STARTS_MS * 2,
)
