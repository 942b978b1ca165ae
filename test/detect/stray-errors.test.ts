import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const PROGRAM = fileURLToPath(new URL('./stray-process.ts', import.meta.url))

interface Outcome {
  readonly code: number
  readonly handled: readonly string[]
  readonly seenByApplication: number
  readonly stderr: string
  readonly log: readonly Readonly<Record<string, unknown>>[]
}

/** Runs a node in a process of its own. Its detector, or its format, gets an update of each pair, and fails as the pair's name says. */
function run(
  mode: 'go-on' | 'format' | 'end' | 'own-handlers' | 'application',
  ...pairs: readonly string[]
): Promise<Outcome> {
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, mode, ...pairs]
  const env = { PATH: process.env.PATH }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env }, (_, stdout, stderr) => {
      const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
      const log = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ detector }) => detector)
      resolve({ ...JSON.parse(stdout), code: child.exitCode ?? -1, stderr, log })
    })
  })
}

test('an error that a detector’s handler did not wait for is counted under its name, and the node goes on', async () => {
  const pairs = ['timer', 'interval', 'immediate', 'tick', 'await', 'rejection', 'event', 'sound']
  const { code, handled, log } = await run('go-on', ...pairs)
  expect(handled).toEqual(pairs)
  expect(code).toBe(0)
  expect(log[0]).toMatchObject({
    level: 'error',
    detector: 'faulty',
    err: { stack: expect.stringContaining('stray-process') },
  })
  expect(log.at(-1)).toMatchObject({ passedOver: expect.any(Number) })
})

test('an error that a format’s function left behind is counted under its topic, and the node goes on', async () => {
  const pairs = ['timer', 'await', 'rejection', 'sound']
  const { code, handled, log } = await run('format', ...pairs)
  expect({ code, handled }).toEqual({ code: 0, handled: pairs })
  expect(log[0]).toMatchObject({ level: 'error', detector: expect.stringMatching(/^format prices\.node/) })
})

test('an error that throws when it is looked at is counted and told like any other, and the node goes on', async () => {
  const pairs = [
    'throwing-stack',
    'stack-of-an-object',
    'proxy-of-an-error',
    'rejected-proxy',
    'throwing-to-json',
    'symbol',
  ]
  const { code, handled, log } = await run('go-on', ...pairs, 'sound')
  expect({ code, handled }).toEqual({ code: 0, handled: [...pairs, 'sound'] })
  expect(log[0]).toMatchObject({ level: 'error', detector: 'faulty', err: expect.anything() })
})

test('with DETECTOR_FAULTS=end the node drains and ends the process with one line and exit code 1', async () => {
  const { code, handled, log, stderr } = await run('end', 'sound', 'timer', 'sound')
  expect({ code, handled }).toEqual({ code: 1, handled: ['sound', 'timer', 'sound'] })
  expect(log).toHaveLength(1)
  expect(log[0]).toMatchObject({ level: 'fatal', detector: 'faulty', msg: expect.stringContaining('exit code 1') })
  expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))).toEqual([])
})

test('an application that listens to uncaught errors sees those of detectors, too, and decides about the process', async () => {
  const { code, seenByApplication, log } = await run('own-handlers', 'timer')
  expect({ code, seenByApplication }).toEqual({ code: 0, seenByApplication: 1 })
  expect(log[0]).toMatchObject({ detector: 'faulty' })
})

test('an error of the application itself ends the process as if there was no node', async () => {
  const { code, stderr, log } = await run('application', 'sound')
  expect(code).toBe(1)
  expect(stderr).toContain('of the application')
  expect(stderr).toContain('stray-process.ts')
  expect(log).toEqual([])
})

test('a bug of ours ends the process, although a detector’s read led to it', async () => {
  const { code, stderr, log } = await run('go-on', 'bug-of-ours')
  expect(code).toBe(1)
  expect(stderr).toContain('a bug of ours')
  expect(log).toEqual([])
})
