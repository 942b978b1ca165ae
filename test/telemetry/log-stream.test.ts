import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { LogStream } from '../../src/telemetry/log-stream.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

const PROGRAM = fileURLToPath(new URL('./unread-log-process.ts', import.meta.url))

/** A pipe that holds `room` bytes until it is read. */
class Pipe {
  room = 0
  written = ''

  readonly write = (bytes: Uint8Array): number => {
    if (this.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' })
    const taken = bytes.subarray(0, this.room)
    this.room -= taken.length
    this.written += Buffer.from(taken).toString()
    return taken.length
  }
}

function stage() {
  const pipe = new Pipe()
  const timer = new ManualTimer(virtualClock())
  return { pipe, timer, log: new LogStream({ write: pipe.write, timer: timer.start }) }
}

/** Logs 5 MB to a standard error that nobody reads; resolves to the number of dropped lines. */
async function droppedBy(stderr: 'pipe' | number): Promise<number> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
    stdio: ['ignore', 'pipe', stderr],
  })
  if (child.stdout === null) throw new Error('no standard output')
  return Number(await text(child.stdout))
}

describe('the stream of the log', () => {
  test('writes a line at once while there is room', () => {
    const { pipe, log } = stage()
    pipe.room = 100
    log.write('a\n')
    expect(pipe.written).toBe('a\n')
  })

  test('keeps the rest of a line that a pipe took in part, and writes it later', async () => {
    const { pipe, timer, log } = stage()
    pipe.room = 3
    log.write('abcde\n')
    log.write('f\n')
    expect(pipe.written).toBe('abc')
    pipe.room = 100
    await timer.advance(50)
    expect(pipe.written).toBe('abcde\nf\n')
  })

  test('drops lines beyond its bound, counts them, and says so once it is read again', async () => {
    const { pipe, timer, log } = stage()
    const line = `${'x'.repeat(1_023)}\n`
    for (let i = 0; i < 1_034; i++) log.write(line)
    expect(log.dropped).toBe(10)
    pipe.room = 2 * 1024 * 1024
    await timer.advance(50)
    expect(pipe.written.split('\n').slice(0, -2)).toHaveLength(1_024)
    expect(JSON.parse(pipe.written.split('\n').at(-2) ?? '')).toMatchObject({ level: 'warn', dropped: 10 })
  })

  test('goes on without its reader, whatever the write throws', () => {
    const log = new LogStream({
      write: () => {
        throw Object.assign(new Error('gone'), { code: 'EPIPE' })
      },
    })
    log.write('a\n')
    expect(log.dropped).toBe(1)
  })

  test('tries a line that can never be written once', async () => {
    let tries = 0
    const timer = new ManualTimer(virtualClock())
    const log = new LogStream({
      timer: timer.start,
      write: () => {
        tries++
        throw Object.assign(new Error('gone'), { code: 'EPIPE' })
      },
    })
    log.write('a\n')
    await timer.advance(1_000)
    expect([tries, log.dropped, timer.pending]).toEqual([1, 1, 0])
  })
})

describe('a process whose log nobody reads goes on, and counts the dropped lines', () => {
  test('if the log is a socket', async () => {
    expect(await droppedBy('pipe')).toBeGreaterThan(1_000)
  })

  test('if the log is a pipe', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'forewarm-log-'))
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const fd = openSync(path, constants.O_RDWR)
    try {
      expect(await droppedBy(fd)).toBeGreaterThan(1_000)
    } finally {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
  })
})
