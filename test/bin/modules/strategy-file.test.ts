import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { forewarm, startForewarm } from '../forewarm-process.ts'

const INDEX = join(import.meta.dirname, '../../../index.ts')
const T0 = 1_783_715_268_000

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-strategy-file-'))
  const updates = Array.from({ length: 400 }, (_, at) =>
    JSON.stringify({
      pair: `P${(at * 7) % 12}`,
      chain: 'x',
      price: 1,
      group: `g${((at * 7) % 12) >> 1}`,
      eventTimeMs: T0 + at * 300,
    }),
  )
  await writeFile(join(folder, 'prices.ndjson'), `${updates.join('\n')}\n`)
})
afterAll(() => rm(folder, { recursive: true }))

async function simulated(source: string, ...flags: readonly string[]) {
  await writeFile(join(folder, 'strategy.ts'), source)
  const args = [
    'simulate',
    '--prices',
    'prices.ndjson',
    '--slots',
    '4',
    '--delay-ms',
    '60',
    '--strategy',
    'strategy.ts',
  ]
  return forewarm([...args, ...flags], { cwd: folder })
}

const NONE = "export const none = { name: 'none at all', select: () => ({ selected: [], reason: '' }) }"

describe('the strategy that a module exports', () => {
  test('is simulated beside the others', async () => {
    const { code, stdout } = await simulated(
      `import { threshold } from '${INDEX}'\nexport const own = threshold()`,
      '--json',
    )
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row))
    expect([code, rows.map(({ warming }) => warming)]).toEqual([0, ['none', 'forewarm', 'own']])
    expect(rows[2].hitRatio).toBeGreaterThan(rows[0].hitRatio)
  })

  test('is told of in words beside the default', async () => {
    const { code, stdout } = await simulated(NONE)
    expect(code).toBe(0)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Others would save: the strategy of your own nothing.')
  })

  test('ends the simulation with its fault', async () => {
    const { code, stderr } = await simulated("export const own = { name: 'mine', select: () => 'A' }")
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('the strategy mine returned "A" instead of { selected, reason }'),
    ])
  })

  test.each([
    ['export const none = 1', '--strategy: strategy.ts exports no strategy; expected one, { name, select }'],
    [`${NONE}\nexport const other = { ...none }`, '--strategy: strategy.ts exports 2 strategies; expected one'],
    ["throw new Error('a bug')", '--strategy: strategy.ts cannot be loaded: a bug'],
  ])('is refused in a sentence from the module %j', async (source, message) => {
    const { code, stdout, stderr } = await simulated(source)
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
  })

  test('is that of a node which forewarm run starts', async () => {
    await writeFile(join(folder, 'strategy.ts'), `import { adaptive } from '${INDEX}'\nexport const own = adaptive()`)
    const settings = { FEATURE_ADAPTIVE_STRATEGY_ENABLED: 'false', CACHE_L2_ENABLED: 'false', METRICS_PORT: '0' }
    const { child, ended } = startForewarm(['run', '--strategy', 'strategy.ts'], {
      env: { KAFKA_BROKERS: '127.0.0.1:1', ...settings },
      cwd: folder,
    })
    if (child.stderr !== null) await once(child.stderr, 'data')
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    expect([code, stderr]).toEqual([0, expect.stringContaining('WARMING_STRATEGY is adaptive, but FEATURE_ADAPTIVE')])
  }, 30_000)

  test('is refused for accesses, and by forewarm run where there is none', async () => {
    for (const [args, message] of [
      [
        ['simulate', '--accesses', 'x', '--strategy', 'strategy.ts'],
        '--strategy goes with --prices, not with --accesses',
      ],
      [['run', '--strategy', 'missing.ts'], '--strategy: missing.ts cannot be loaded'],
    ] as const) {
      const { code, stderr } = await forewarm(args, { cwd: folder })
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    }
  })
})
