import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forewarm-run-'))
})

afterEach(() => rmSync(dir, { recursive: true }))

/** Runs the tests on a machine that has only what the test puts on its PATH. */
function run(env: Record<string, string> = {}, args: readonly string[] = []) {
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', RUN, ...args, '--listTests'], {
    env: { PATH: dir, FOREWARM_STACK_DIR: join(dir, 'stack'), ...env },
    encoding: 'utf8',
  })
}

function javaThatSays(version: string): void {
  const file = join(dir, 'java')
  writeFileSync(file, `#!/bin/sh\necho 'openjdk version "${version}" 2021-01-19' >&2\n`)
  chmodSync(file, 0o755)
}

test('a test run without Java says in one sentence what to install, and which tests need no Java', () => {
  const { status, stdout, stderr } = run()
  expect(status).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toBe(
    'No Java (java): install a JDK 17 or newer and Maven, or set KAFKA_BROKERS and REDIS_URL to a Kafka and a Redis ' +
      'of your own; `npm run test:unit` needs neither.\n',
  )
})

test('a test run names a Java that is too old', () => {
  javaThatSays('11.0.10')
  const { status, stderr } = run()
  expect(status).toBe(1)
  expect(stderr).toMatch(/^Java is too old \(openjdk version "11\.0\.10" .*\): install a JDK 17 or newer,.*\n$/)
})

test('a test run with Java but without Maven asks for Maven', () => {
  javaThatSays('21.0.1')
  const { status, stderr } = run()
  expect(status).toBe(1)
  expect(stderr).toContain('No Maven (mvn): install Maven 3.6 or newer,')
})

test('a test run with given Kafka and Redis needs no Java, and passes its arguments to Jest', () => {
  const { status, stdout } = run({ KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' })
  expect(status).toBe(0)
  expect(stdout).toContain('test/integration/stack.test.ts')
  expect(stdout).not.toContain('test/long/')
})

test('--full is not passed on to Jest', () => {
  const given = { KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' }
  expect(run(given, ['long', '--full']).status).toBe(0)
})

test('a test run with only one of Kafka and Redis given says which is missing', () => {
  const { status, stderr } = run({ KAFKA_BROKERS: '127.0.0.1:1' })
  expect(status).toBe(1)
  expect(stderr).toBe('KAFKA_BROKERS is set and REDIS_URL is not: set both, or neither to have them started.\n')
})
