import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { BIN, forewarm, startForewarm } from './forewarm-process.ts'

const INDEX = new URL('../../index.ts', import.meta.url).href

const T0 = 1_783_715_268_000
/** Nothing listens on this port. */
const NO_KAFKA = { KAFKA_BROKERS: '127.0.0.1:1' }

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-bin-'))
  file = join(folder, 'prices.ndjson')
  await writeFile(file, `${[0, 400, 800].map((ms) => JSON.stringify(updateAt(ms))).join('\n')}\n`)
})
afterAll(() => rm(folder, { recursive: true }))

function updateAt(afterMs: number): PriceUpdate {
  return { pair: 'WETH/USDC', chain: 'ethereum', price: 3000 + afterMs, eventTimeMs: T0 + afterMs }
}

test('a full disk behind standard output is told in one sentence, with code 1', async () => {
  const full = await open('/dev/full', 'w')
  const child = spawnSync(process.execPath, [BIN, 'config'], { stdio: ['ignore', full.fd, 'pipe'], encoding: 'utf8' })
  await full.close()
  expect(child).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/error: standard output cannot be written: ENOSPC.*\n$/),
  })
})

describe('help and version', () => {
  test.each([[['--help']], [['help']], [['replay', '--help']], [['help', 'replay']], [['topics', 'create', '--help']]])(
    'forewarm %j prints help on standard output and ends with code 0',
    async (args) => {
      const { code, stdout, stderr } = await forewarm(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^Usage: forewarm/)
    },
  )

  test('every command has examples in its help and takes --json', async () => {
    const names = ['dev', 'run', 'warm', 'replay', 'record', 'tail', 'produce', 'simulate', 'config']
    const helps = await Promise.all(names.map((name) => forewarm([name, '--help'])))
    for (const [index, { code, stdout }] of helps.entries()) {
      expect(code).toBe(0)
      expect(stdout).toContain('--json')
      expect(stdout).toContain(`$ forewarm ${names[index]}`)
    }
  })

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await forewarm(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('a wrong call of forewarm ends with code 2, says what is wrong, and prints no data', () => {
  test.each([
    [[], 'Usage: forewarm'],
    [['replya'], "unknown command 'replya'\n(Did you mean replay?)"],
    [['frob'], "unknown command 'frob'\n(Did you mean one of run, top, dev? forewarm --help lists all commands.)\n"],
    [['topics', 'frob'], "unknown command 'frob'\n(Did you mean create? forewarm --help lists all commands.)"],
    [['replay', 'x', '--sped', '2'], "unknown option '--sped'\n(Did you mean --speed?)"],
    [['replay'], "missing required argument 'source'"],
    [['replay', 'x.ndjson'], 'where to? give one of --to-prefix, --to, --in-process and --stdout'],
    [['replay', 'x.ndjson', '--stdout', '--in-process'], 'where to? give one of'],
    [['replay', 'x.ndjson', 'y', '--stdout'], 'x.ndjson is a file: it is replayed alone'],
    [['replay', 'x', '--stdout', '--speed', 'fast'], 'Expected a number above 0.'],
    [['replay', 'x', '--stdout', '--since', 'monday'], 'Expected a time of ISO 8601 like 2026-07-10T00:00Z'],
    [['replay', 'x', '--stdout', '--timestamps', 'new'], 'Expected one of keep, shift, now.'],
    [['record', 'x'], "required option '-o, --output <file>' not specified"],
    [['tail', 'x', '--max', '0'], 'Expected a whole number from 1.'],
    [['run', '--roles', 'detect,cook'], 'Expected one of correlate, detect, warm, api.'],
    [['run', '--detectors', 'none.ts'], '--detectors: none.ts cannot be loaded'],
    [['simulate'], 'on what? give one of --accesses and --prices'],
    [['simulate', '--accesses', 'x', '--delay-ms', '50'], '--delay-ms goes with --prices, not with --accesses'],
    [['simulate', '--prices', 'x', '--delay-ms', '-1'], 'Expected a number from 0 to 86400000, a day.'],
    [['simulate', '--prices', 'x', '--warm-ms', '1e300'], 'Expected a number from 0 to 86400000, a day.'],
    [['simulate', '--acceses', 'x'], "unknown option '--acceses'\n(Did you mean --accesses?)"],
    [
      ['simulate', '--policy', 'lru,seive'],
      'seive is unknown. Expected some of lru, sieve, s3-fifo, forewarm. Did you mean sieve?',
    ],
    [['simulate', '--warming', 'best'], 'best is unknown. Expected some of none, busiest, random, oracle, forewarm'],
    [['simulate', '--accesses', 'x', '--slots', '1', '--capacity', '1'], '--capacity and --slots both'],
    [['warm', 'A'], "required option '--chain <chain>' not specified"],
    [['warm', 'A', '--chain', 'c', '--priority', 'top'], 'Expected one of critical, high, medium, low.'],
  ])('%j', async (args, wrong) => {
    const { code, stdout, stderr } = await forewarm(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(wrong)
  })

  test('with --json the reason is printed as an object', async () => {
    const { stderr } = await forewarm(['replay', 'x.ndjson', '--json'])
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'bad-option', message: expect.stringContaining('where to?') },
    })
    const { code, stdout, stderr: alone } = await forewarm(['simulate', '--capacity', '0', '--json'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(alone)).toEqual({
      error: { code: 'bad-option', message: expect.stringMatching(/^option '--capacity <list>' argument '0' is/) },
    })
  })
})

describe('a command that cannot be done ends with code 1 and one sentence', () => {
  test('replay of a file that does not exist', async () => {
    const { code, stdout, stderr } = await forewarm(['replay', join(folder, 'none.ndjson'), '--in-process'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(`error: ${join(folder, 'none.ndjson')} cannot be read: no such file, or no right to it\n`)
  })

  test('any command that needs Kafka, if none answers', async () => {
    const calls = [
      'tail p',
      'record p -o x.ndjson',
      'replay p --stdout',
      'produce - --topic p',
      'topics create',
      'warm A --chain c',
    ]
    const ends = await Promise.all(calls.map((call) => forewarm(call.split(' '), { env: NO_KAFKA, cwd: folder })))
    for (const { code, stdout, stderr } of ends) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain('127.0.0.1:1')
      expect(stderr).toContain('set KAFKA_BROKERS to where Kafka is')
      expect(stderr).not.toContain('    at ')
    }
  })

  test('run, if no Kafka answers in the configured time', async () => {
    const env = { ...NO_KAFKA, KAFKA_START_TIMEOUT_MS: '1', METRICS_PORT: '0', CACHE_L2_ENABLED: 'false' }
    const { code, stderr } = await forewarm(['run'], { env })
    expect(code).toBe(1)
    expect(stderr).toMatch(/error: no Kafka answers at 127\.0\.0\.1:1/)
  })

  test('run, which also reports a Redis that does not answer before anything was written', async () => {
    const env = { ...NO_KAFKA, KAFKA_START_TIMEOUT_MS: '1', METRICS_PORT: '0', REDIS_URL: 'redis://127.0.0.1:1' }
    const { stderr } = await forewarm(['run'], { env })
    expect(stderr).toContain('no L2 answers yet: going on with L1 alone')
  })

  test('config with invalid settings, all of which are named at once', async () => {
    const env = { KAFKA_BROKERS: 'nowhere', METRICS_PORT: 'high' }
    const { code, stderr } = await forewarm(['config'], { env })
    expect(code).toBe(1)
    expect(stderr).toContain('KAFKA_BROKERS (environment): got "nowhere"')
    expect(stderr).toContain('METRICS_PORT (environment): got "high"')
  })
})

describe('forewarm replay of a file', () => {
  test('to standard output prints the records there, and the report on standard error', async () => {
    const { code, stdout, stderr } = await forewarm(['replay', file, '--stdout', '--max', '2'])
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([updateAt(0), updateAt(400)])
    expect(stderr).toContain('replayed 2 records')
  })

  test('in process runs through a node with detectors, and prints the report on standard output', async () => {
    const detectors = join(folder, 'detectors.ts')
    const source = `import { detector } from '${INDEX}'
      export const reader = detector('reader', {}, ({ chain, pair }, prices) => void prices.get(chain, pair))`
    await writeFile(detectors, source)
    const { code, stdout, stderr } = await forewarm([
      'replay',
      file,
      '--in-process',
      '--detectors',
      detectors,
      '--json',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { replayed, stateHash, node } = JSON.parse(stdout)
    expect({ replayed, stateHash }).toEqual({ replayed: 3, stateHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(node).toMatchObject({ updates: 3, pairs: 1, lagRecords: 0 })
    expect(node.reads.hits + node.reads.misses).toBe(3)
  })

  test.each([
    [
      'of the module',
      `let called = false
const timer = setInterval(() => { if (called) { clearInterval(timer); throw new Error('astray') } }, 1)
export const fine = detector('fine', {}, async () => { called = true; await new Promise((r) => setTimeout(r, 20)) })`,
    ],
    [
      'of a detector that the last call starts',
      `export const fine = detector('fine', {}, () => { setTimeout(() => { throw new Error('astray') }) })`,
    ],
  ])('ends with code 1 and counts errors in timers %s', async (_, code) => {
    const detectors = join(folder, 'astray.ts')
    await writeFile(detectors, `import { detector } from '${INDEX}'\n${code}\n`)
    const ended = await forewarm(['replay', file, '--in-process', '--detectors', detectors])
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/detectors: \d+ errors outside their calls/)
  })

  test('ends with code 1 and names a detector that threw', async () => {
    const detectors = join(folder, 'throws.ts')
    const call = "detector('faulty', {}, () => { throw new Error('no') })"
    await writeFile(detectors, `import { detector } from '${INDEX}'\nexport const faulty = ${call}\n`)
    const { code, stdout, stderr } = await forewarm(['replay', file, '--in-process', '--detectors', detectors])
    expect(code).toBe(1)
    expect(stdout).toContain('detector faulty: 3 calls threw')
    expect(stderr).toContain('a detector threw')
  })

  test('ends with code 1 if the state hash is not the expected one', async () => {
    const { code, stdout } = await forewarm(['replay', file, '--in-process', '--verify-hash', 'f'.repeat(64)])
    expect(code).toBe(1)
    expect(stdout).toContain('NOT the expected one')
  })

  test('ends quietly when the reader of its output goes away', async () => {
    const many = join(folder, 'many.ndjson')
    await writeFile(many, `${JSON.stringify(updateAt(0))}\n`.repeat(20_000))
    const { child, ended } = startForewarm(['replay', many, '--stdout'])
    ended.catch(() => undefined)
    const said = text(child.stderr as Readable)
    child.stdout?.once('data', () => child.stdout?.destroy())
    await once(child, 'close')
    expect({ code: child.exitCode, said: await said }).toEqual({ code: 0, said: '' })
  })

  test('ends on Ctrl-C with code 130 and a report of what was done', async () => {
    const slow = join(folder, 'slow.ndjson')
    // An hour apart: the signal comes before the second is due, however long it takes.
    await writeFile(slow, [0, 3_600_000].map((ms) => JSON.stringify(updateAt(ms))).join('\n'))
    const { child, ended } = startForewarm(['replay', slow, '--stdout', '--speed', '1'])
    child.stdout?.once('data', () => child.kill('SIGINT'))
    const { code, stdout, stderr } = await ended
    expect(code).toBe(130)
    expect(stdout).toBe(`${JSON.stringify(updateAt(0))}\n`)
    expect(stderr).toContain('interrupted after 1 records')
  })
})

describe('forewarm config', () => {
  test('prints each value and where it comes from, but no secrets', async () => {
    const env = { KAFKA_BROKERS: 'a:1,b:2', REDIS_URL: 'redis://user:sesame@r:6379' }
    const { code, stdout } = await forewarm(['config', '--json'], { env })
    expect(code).toBe(0)
    const rows: { name: string; value: string; origin: string }[] = JSON.parse(stdout)
    expect(rows).toContainEqual({ name: 'KAFKA_BROKERS', value: 'a:1,b:2', origin: 'environment' })
    expect(rows.find(({ name }) => name === 'METRICS_PORT')?.origin).toBe('default')
    expect(stdout).not.toContain('sesame')
  })

  test('prints columns for people', async () => {
    const { stdout } = await forewarm(['config'], { env: { METRICS_PORT: '1234' } })
    expect(stdout).toMatch(/^METRICS_PORT +1234 {2}\(environment\)$/m)
  })
})
