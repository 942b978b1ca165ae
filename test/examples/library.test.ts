import { tmpdir } from 'node:os'
import { expect, test } from '@jest/globals'
import { startExample } from './example-process.ts'

async function saidBy(name: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await startExample(`library/${name}`, { env: {}, cwd: tmpdir() }).ended
  expect([code, stderr]).toEqual([0, ''])
  return stdout.trim().split('\n')
}

test('minimal.ts learns from one update what is read because of it', async () => {
  expect(await saidBy('minimal.ts')).toEqual([
    expect.stringMatching(/^ETH-USD: read \d+ ms after the pair's updates/),
    '0 warmed, 1 in L1 already',
  ])
})

test('production.ts measures what warming brings, and shows health and metrics', async () => {
  const [health = '', ...metrics] = await saidBy('production.ts')
  expect(health).toMatch(/^health: 200 /)
  const { totalUpdates, successRate, hitRateImprovement } = JSON.parse(health.slice('health: 200 '.length))
  expect({ totalUpdates, successRate }).toEqual({ totalUpdates: 4_000, successRate: 1 })
  expect(hitRateImprovement.low).toBeGreaterThan(20)
  expect(metrics).toContainEqual(
    expect.stringMatching(/^arbitrage_cache_hits_total\{app="spreads",chain="default",cache_level="L1"\} \d+$/),
  )
})

test('price-source.ts handles the updates of a feed of its own, each once', async () => {
  expect(await saidBy('price-source.ts')).toEqual([
    expect.stringMatching(/^1800 updates of 3 pairs; the triangle was open \d+ times$/),
  ])
})

test('access-recording.ts predicts and warms from reads that were made elsewhere', async () => {
  expect(await saidBy('access-recording.ts')).toEqual([
    '1715 reads of 15 pairs, 98.0 % of them hits',
    'usual in the hour that begins: P100 P101 P102 P103 P104',
    '15 warmed, 0 in L1 already',
    'the patterns of 15 pairs can be stored',
  ])
})

test('values.ts keeps values of any kind, and says what it does not keep', async () => {
  expect(await saidBy('values.ts')).toEqual([
    'the best bid is 60000',
    'a long note: too-large',
    'ForewarmError: BTC-USD: value.bids[0][0] is NaN, which JSON does not hold as it is',
    'deleted for all: deleted; now it is missing',
  ])
})

test('threads.ts lets two threads read ever newer prices of a cache', async () => {
  expect((await saidBy('threads.ts')).toSorted()).toEqual([
    expect.stringMatching(/^first: 5 prices of WETH\/USDC, each newer than the one before/),
    expect.stringMatching(/^second: 5 prices of WETH\/USDC, each newer than the one before/),
  ])
})
