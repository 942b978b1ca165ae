import { tmpdir } from 'node:os'
import { expect, test } from '@jest/globals'
import { startExample } from './example-process.ts'

test('two threads beside a node read ever newer prices from its L1', async () => {
  const { code, stdout, stderr } = await startExample('threads/main.ts', { env: {}, cwd: tmpdir() }).ended
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.trim().split('\n').toSorted()).toEqual([
    expect.stringMatching(/^first: 5 prices of WETH\/USDC, each newer than the one before; \d+ hits, \d+ misses$/),
    expect.stringMatching(/^second: 5 prices of WETH\/USDC, each newer than the one before; \d+ hits, \d+ misses$/),
  ])
})
