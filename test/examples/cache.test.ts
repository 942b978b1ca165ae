import { tmpdir } from 'node:os'
import { expect, test } from '@jest/globals'
import { startExample } from './example-process.ts'

test('cache.ts reads the price that it wrote, and refuses an older one', async () => {
  const { code, stdout, stderr } = await startExample('cache.ts', { env: {}, cwd: tmpdir() }).ended
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toBe('WETH/USDC at 3120.5; a minute-old price was older\nUSDC/DAI is missing\n')
})
