import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { type Ended, forewarm, OWN_TOPICS, startForewarm } from '../bin/forewarm-process.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

const PRICES = uniqueName('prices')
const { WARM_REQUESTS_TOPIC: REQUESTS, ...OTHER_TOPICS } = OWN_TOPICS
const ENV = {
  KAFKA_BROKERS: kafkaBrokers().join(','),
  REDIS_URL: redisUrl(),
  PRICE_TOPICS: PRICES,
  FOREWARM_SERVICE: uniqueName('service'),
  METRICS_PORT: '0',
  // A busy machine may exceed the default timeouts of Redis (250 ms) and of a warm (50 ms).
  REDIS_COMMAND_TIMEOUT_MS: '5000',
  WARMING_TIMEOUT_MS: '5000',
}
const BAD_LINES = ['{"pair":', '{"pair":"A","chain":"c","price":-1,"eventTimeMs":1783715268000}']

const WARMED = { pair: 'pair-warmed', chain: 'chain-1', price: 7 }

let folder: string
let now: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-cli-'))
  now = Date.now()
  const made = await forewarm(['topics', 'create', '--partitions', '3', '--json'], { env: ENV })
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(made.stdout)).toMatchObject({
    created: expect.arrayContaining([PRICES, `${PRICES}.dlq`, REQUESTS, ...Object.values(OTHER_TOPICS)]),
    existing: [],
  })
})
afterAll(() => rm(folder, { recursive: true }))

function call(...args: readonly string[]): Promise<Ended> {
  return forewarm(args, { env: ENV })
}

async function recordCount(): Promise<number> {
  const { stdout } = await call('replay', PRICES, '--stdout')
  return stdout.split('\n').length
}

function updates(count: number): PriceUpdate[] {
  return Array.from({ length: count }, (_, i) => ({
    pair: `pair-${i % 10}`,
    chain: `chain-${i % 4}`,
    price: 1 + i,
    group: `group-${i % 2}`,
    eventTimeMs: now - 1000 + i,
  }))
}

function jsonLines<T>(text: string): T[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('the command line on a real Kafka', () => {
  test('topics create creates nothing twice', async () => {
    const { code, stdout } = await call('topics', 'create', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ created: [], existing: expect.arrayContaining([PRICES, REQUESTS]) })
  })

  test('produce writes nothing of a file with a bad line, unless it is told to skip those', async () => {
    const file = join(folder, 'updates.ndjson')
    const lines = updates(1000).map((update) => JSON.stringify(update))
    await writeFile(file, `${[...lines.slice(0, 5), ...BAD_LINES, ...lines.slice(5)].join('\n')}\n`)
    const whole = await call('produce', file)
    expect(whole).toMatchObject({ code: 1, stdout: '' })
    expect(whole.stderr).toMatch(/^error: .*updates\.ndjson, line 6, column 9: not-json: /)
    const { code, stdout, stderr } = await call('produce', file, '--event-time', '--skip-bad', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ topic: PRICES, produced: 1000, badLines: 2, failed: 0 })
    expect(stderr).toContain('line 6, column 9: not-json')
    expect(stderr).toContain('line 7, column 1: negative')
    expect(code).toBe(1)
  })

  test('produce writes what standard input has before a bad line, and says how much', async () => {
    const [good = '', other = ''] = updates(2).map((update) => JSON.stringify({ ...update, chain: 'piped' }))
    const piped = { env: ENV, stdin: `${good}\n${other}\nnone\n${good}\n` }
    expect(await call('topics', 'create', `${PRICES}.piped`, '--partitions', '3')).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await forewarm(['produce', '-', '--topic', `${PRICES}.piped`], piped)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^warning: 2 updates of the lines before are written already\nerror: standard input, line 3, column 2: not-json/,
    )
  })

  test('produce and replay write nothing where the topic would refuse a time, and say what to do', async () => {
    const file = join(folder, 'tomorrow.ndjson')
    const tomorrow = { ...WARMED, eventTimeMs: now + 86_400_000 }
    await writeFile(file, [...updates(10), tomorrow].map((update) => JSON.stringify(update)).join('\n'))
    const told = expect.stringMatching(/s ahead of the clock.*message\.timestamp\.after\.max\.ms.*or raise the setting/)
    expect(await call('produce', file, '--event-time')).toMatchObject({ code: 1, stdout: '', stderr: told })
    expect(await call('replay', file, '--to', PRICES)).toMatchObject({ code: 1, stdout: '', stderr: told })
    expect(await recordCount()).toBe(1_001)
  })

  test('tail prints the existing records, decoded', async () => {
    const { code, stdout, stderr } = await call('tail', PRICES, '--from-beginning', '--max', '1000', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const shown = jsonLines<{ kind: string; updates: PriceUpdate[] }>(stdout).flatMap((line) => line.updates)
    const byTime = (a: PriceUpdate, b: PriceUpdate) => a.eventTimeMs - b.eventTimeMs
    expect(shown.toSorted(byTime)).toEqual(updates(1000))
    const people = await call('tail', PRICES, '--from-beginning', '--max', '1')
    expect(people.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}chain-\d {2}pair-\d {2}\d+ {2}group group-\d\n$/)
  })

  test('record, replay of the file and replay of the topic end with the same state hash', async () => {
    const file = join(folder, 'recorded.ndjson.gz')
    const recorded = await call('record', PRICES, '-o', file, '--json')
    expect(recorded).toMatchObject({ code: 0, stderr: '' })
    const { records, stateHash } = JSON.parse(recorded.stdout)
    expect(records).toBe(1000)
    expect(await call('record', PRICES, '-o', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--force'),
    })

    const replayed = await call('replay', file, '--to-prefix', 'test.', '--verify-hash', '--json')
    expect(replayed).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(replayed.stdout)).toMatchObject({ replayed: 1000, stateHash, hashMatches: true })

    const back = await call('replay', `test.${PRICES}`, '--in-process', '--verify-hash', stateHash)
    expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining('(as expected)') })
  })

  test('simulate runs a recording, and its report says what warming would save', async () => {
    const report = join(folder, 'saved.html')
    const recording = join(folder, 'recorded.ndjson.gz')
    const simulated = await call('simulate', '--prices', recording, '--slots', '4', '--report', report, '--json')
    expect(simulated.code).toBe(0)
    const rows = jsonLines<{ warming: string; reads: number }>(simulated.stdout)
    expect([...new Set(rows.map(({ warming }) => warming))]).toEqual(['none', 'forewarm', 'oracle'])
    expect(await readFile(report, 'utf8')).toContain(`${rows[0]?.reads.toLocaleString('en-US')} reads`)
  })

  test('replay refuses to write into the topic that it reads, unless --force is confirmed', async () => {
    const refused = await call('replay', PRICES, '--to', PRICES, '--max', '1')
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('into itself') })
    expect((await call('replay', PRICES, '--to', PRICES, '--max', '1', '--force')).code).toBe(1)
    const twice = await call('replay', PRICES, '--to', PRICES, '--max', '1', '--force', '--yes-really')
    expect(twice).toMatchObject({ code: 0, stdout: expect.stringContaining('replayed 1 records') })
  })

  test('produce accepts what replay prints', async () => {
    const { stdout } = await call('replay', PRICES, '--stdout', '--pairs', 'pair-3', '--max', '5')
    const made = await forewarm(['produce', '-', '--frame', '10', '--encoding', 'avro'], { env: ENV, stdin: stdout })
    expect(made).toMatchObject({ code: 0, stdout: `produced 5 to ${PRICES}, 0 bad lines\n` })
  })

  test('Ctrl-C ends produce while it waits for input, with a report of what it sent', async () => {
    const stdin = `${JSON.stringify({ pair: 'p', chain: 'c', price: 1, eventTimeMs: now })}\n`
    const before = await recordCount()
    const { child, ended } = startForewarm(['produce', '-', '--json'], { env: ENV, stdin, stdinStaysOpen: true })
    await until('it is there', async () => (await recordCount()) > before)
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'interrupted', produced: 1 })
  })

  test('tail names a topic that does not exist, and the topics of the cluster', async () => {
    const { code, stderr } = await call('tail', 'prices-none')
    expect(code).toBe(1)
    expect(stderr).toMatch(/topic prices-none does not exist; the cluster has /)
    const named = await forewarm(['produce', '-', '--topic', ''], { env: ENV })
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('topics: got ""; allowed: names of 1 to') })
  })

  test('warm --wait without a node times out with code 1; warm alone only sends', async () => {
    const sent = await call('warm', 'pair-1', '--chain', 'chain-1')
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sent [0-9a-f-]{36}\n$/) })
    const waited = await call('warm', 'pair-1', '--chain', 'chain-1', '--wait', '--timeout-ms', '200')
    expect(waited).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no node has warmed') })
  })

  test('run serves warm requests, and ends on SIGTERM with code 0', async () => {
    const detectors = join(folder, 'detectors.ts')
    const index = new URL('../../index.ts', import.meta.url).href
    await writeFile(
      detectors,
      `import { detector } from '${index}'\nexport const quiet = detector('quiet', {}, () => {})\n`,
    )
    const { child, ended } = startForewarm(['run', '--detectors', detectors], { env: ENV })
    try {
      let said = ''
      child.stderr?.on('data', (chunk) => {
        said += chunk
      })
      await until('it runs', () => said.includes('is running'))
      await forewarm(['produce', '-'], { env: ENV, stdin: JSON.stringify({ ...WARMED, eventTimeMs: Date.now() }) })
      const warm = () => call('warm', WARMED.pair, 'pair-none', '--chain', WARMED.chain, '--wait', '--json')
      const answer = await until('the pair is known', async () => {
        const { code, stdout } = await warm()
        const { task } = JSON.parse(stdout)
        const [result] = task.nodes
        return code === 0 && result.warmed + result.alreadyInL1 === 1 ? { task, result } : undefined
      })
      expect(answer).toMatchObject({ task: { state: 'partial' }, result: { notFound: 1 } })
      const shown = await forewarm(['warm', WARMED.pair, '--chain', WARMED.chain, '--wait'], { env: ENV })
      expect(shown.stdout).toMatch(/^task [0-9a-f-]{36}: done\ndone by \S+ in [\d.]+ \w+: alreadyInL1 1\n$/)
    } finally {
      child.kill('SIGTERM')
    }
    expect((await ended).code).toBe(0)
  })
})
