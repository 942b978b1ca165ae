import { tmpdir } from 'node:os'
import { expect, test } from '@jest/globals'
import { startExample } from './example-process.ts'

test('own-strategy.ts raises the share of reads that L1 answers', async () => {
  const { code, stdout, stderr } = await startExample('own-strategy.ts', { env: {}, cwd: tmpdir() }).ended
  expect([code, stderr]).toEqual([0, ''])
  const [, warmed, cold] =
    /^L1 answers (\d+) % of the reads with the strategy careful, (\d+) % without\n$/.exec(stdout) ?? []
  expect(Number(warmed)).toBeGreaterThan(Number(cold) + 30)
})
