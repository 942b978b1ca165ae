import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

const PROCESS = fileURLToPath(new URL('./watched-process.ts', import.meta.url))
const STOOD_STILL = 70

const opened: Watched[] = []
let folder: string
let pipe: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-watchdog-'))
  pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
})

afterAll(() => rm(folder, { recursive: true }))

afterEach(() => {
  for (const watched of opened.splice(0)) watched.kill()
})

test.each(['spins', 'spins while a file is opened', 'awaits for ever', 'waits in a system call'])(
  'a process whose event loop stands still ends with exit code 70 and one line of log: it %s',
  async (does) => {
    const watched = await started(1_000, does)
    expect(await watched.code).toBe(STOOD_STILL)
    const [line, ...rest] = (await watched.log).trim().split('\n')
    expect(rest).toEqual([])
    expect(JSON.parse(line ?? '')).toMatchObject({
      level: 'fatal',
      service: 'default',
      msg: expect.stringMatching(/^the event loop stood still for 1\d\d\d ms, at most 1000 expected \(WATCHDOG_MS\)/),
    })
  },
)

test('a process whose event loop stands still ends although nobody reads its full standard error', async () => {
  expect(await (await started(1_000, 'writes for ever', { isRead: false })).code).toBe(STOOD_STILL)
})

test('a process whose event loop stands still is killed if a file operation keeps it from its exit', async () => {
  const watched = await started(1_000, 'waits in a system call while a file is opened')
  // A signal ended it.
  expect(await watched.code).toBeNull()
})

test('a process that was stopped for longer than its event loop may stand still goes on', async () => {
  const stopped = await started(1_000, 'runs until SIGTERM')
  stopped.signal('SIGSTOP')
  await limitPasses()
  stopped.signal('SIGCONT')
  await limitPasses()
  stopped.signal('SIGTERM')
  expect(await stopped.code).toBe(0)
})

test.each([1_000, 0])('a closed node ends by itself with WATCHDOG_MS=%d', async (limitMs) => {
  const watched = await started(limitMs, 'closes')
  expect([await watched.code, await watched.log]).toEqual([0, ''])
})

/** Another process begins to stand still and ends. */
async function limitPasses(): Promise<void> {
  const spinning = await started(1_000, 'spins')
  expect(await spinning.code).toBe(STOOD_STILL)
}

interface Watched {
  readonly code: Promise<number | null>
  readonly log: Promise<string>
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void
  kill(): void
}

/** Resolves when the node of the process runs. */
async function started(limitMs: number, does: string, { isRead = true } = {}): Promise<Watched> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROCESS, `${limitMs}`, does, pipe], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const watched: Watched = {
    code: once(child, 'exit').then(([code]) => code as number | null),
    log: isRead ? text(child.stderr) : Promise.resolve(''),
    signal: (name) => child.kill(name),
    kill: () => child.kill('SIGKILL'),
  }
  opened.push(watched)
  await Promise.race([once(child.stdout, 'data'), watched.code])
  return watched
}
