import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { priceAt } from '../../replay/record-builders.ts'
import { forewarm, startForewarm } from '../forewarm-process.ts'

const INDEX = new URL('../../../index.ts', import.meta.url).href
const DETECTOR = (body: string) =>
  `import { detector } from '${INDEX}'\nlet n = 0\nexport const probe = detector('probe', {}, () => { ${body} })\n`

let folder: string
let prices: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-early-exit-'))
  prices = join(folder, 'prices.ndjson')
  await writeFile(prices, [0, 1, 2].map((ms) => JSON.stringify(priceAt(ms))).join('\n'))
})
afterAll(() => rm(folder, { recursive: true }))

async function replayed(code: string, ...flags: readonly string[]) {
  const file = join(folder, 'detectors.mjs')
  await writeFile(file, code)
  return forewarm(['replay', prices, '--in-process', '--detectors', file, ...flags])
}

describe('a replay that code of the detectors ends is no success, and says who ended it', () => {
  const unfinished = 'called process.exit(): forewarm replay has not finished\n'

  test.each([
    ['a detector', DETECTOR('if (++n === 2) process.exit()'), `error: detector probe ${unfinished}`],
    ['a timer of a detector', DETECTOR('setImmediate(() => process.exit(0))'), `error: detector probe ${unfinished}`],
    ['the file itself', 'process.exit(0)', `error: detectors.mjs ${unfinished}`],
    [
      'an await that never settles',
      'await new Promise(() => {})',
      'error: an await never settles, in the file of --detectors or --formats if there is one: forewarm replay has not finished\n',
    ],
  ])('%s', async (_, code, stderr) => {
    expect(await replayed(code)).toEqual({ code: 1, stdout: '', stderr })
  })

  test('also with --json, and with an exit code of its own', async () => {
    const { code, stderr } = await replayed(DETECTOR('process.exit(3)'), '--json')
    expect(code).toBe(3)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ended-early' } })
  })
})

test('an exit code that a replay has reached is not undone by what a detector left behind', async () => {
  const code = DETECTOR('if (++n === 1) process.on("beforeExit", () => process.exit(0)); else throw new Error("a bug")')
  expect(await replayed(code)).toMatchObject({ code: 1, stdout: expect.stringContaining('replayed 3 records') })
}, 30_000)

test.each([
  ['SIGHUP', 0],
  ['SIGTERM', 0],
] as const)(
  '%s asks a node for an orderly end',
  async (signal, code) => {
    const { child, ended } = startForewarm(['run'], {
      env: { KAFKA_BROKERS: '127.0.0.1:1', CACHE_L2_ENABLED: 'false', METRICS_PORT: '0' },
    })
    if (child.stderr !== null) await once(child.stderr, 'data')
    child.kill(signal)
    expect(await ended).toMatchObject({ code })
  },
  30_000,
)

test.each([
  ['a symbol', 'throw Symbol("s")', 'Symbol(s)'],
  ['what cannot be read', 'throw { toString: null }', 'it threw a value that cannot be read'],
])('a file of detectors that throws %s is told in one sentence', async (_, code, reason) => {
  const { stderr, ...rest } = await replayed(code)
  expect(rest).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^error: --detectors: .* cannot be loaded: .*\n$/)
  expect(stderr).toContain(reason)
})
