import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')
const DATASETS = resolve(ROOT, process.env.FOREWARM_DATASETS ?? '../shared/datasets')
const recorded = existsSync(join(DATASETS, 'polymarket/2026-07-10.ndjson.gz'))
if (!recorded) console.warn(`SKIPPED: no recordings under ${DATASETS}; the main example is not shown by this run`)

describe('the recorded day of the prediction market', () => {
  const shown = recorded ? test : test.skip

  shown(
    'is served at least 97.5 % from L1 with warming, and less without',
    () => {
      const { status, stdout, stderr } = spawnSync('npm', ['run', '-s', 'polymarket'], { cwd: ROOT, encoding: 'utf8' })
      // On a busy machine Redis may exceed the command timeout, and is then disconnected for a moment. That is no fault.
      const told = stderr.split('\n').filter((line) => line !== '' && !/no answer within|L2 is away/.test(line))
      expect(told).toEqual([])
      const [, without, warmed] = /L1 hit ratio\s+([\d.]+)\s+([\d.]+)/.exec(stdout) ?? []
      expect(Number(warmed)).toBeGreaterThanOrEqual(0.975)
      expect(Number(without)).toBeLessThan(0.8)
      expect(stdout).toMatch(/reads\s+549926\s+549926/)
      const row = (name: string) => (new RegExp(`${name}\\s+(\\S+)( ms|/s)?\\s+([\\d.]+)`).exec(stdout) ?? [])[3]
      expect(Number(row('warms'))).toBeGreaterThan(100_000)
      expect(Number(row('warms read before they left'))).toBeGreaterThan(0.9)
      expect(Number(row('reads of an update, p50'))).toBeGreaterThan(0)
      expect(Number(row('reads of an update, p99'))).toBeLessThan(1_000)
      expect(Number(row('throughput'))).toBeGreaterThan(100)
      expect(status).toBe(0)
    },
    600_000,
  )
})
