import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { allAnswered, scrapedNode } from '../deploy/monitoring/dashboard-stage.ts'
import { prometheusVersion } from '../harness/prometheus.ts'

/** Tagged as a module's version: 3.16.0. */
const MODULE = 'github.com/prometheus/prometheus/cmd'
const VERSION = 'v0.316.0'
const RULES = resolve(import.meta.dirname, '../../deploy/prometheus/rules.yml')

const hasGo = spawnSync('go', ['version']).status === 0
const isFull = process.env.FOREWARM_FULL !== undefined
if (!isFull) console.warn('Prometheus 3 is not built: --full builds it')
else if (!hasGo) console.warn('Prometheus 3 is NOT TRIED: there is no Go to build it')
const whole = isFull && hasGo ? describe : describe.skip

whole('Prometheus 3', () => {
  let folder: string
  const program = (name: string) => join(folder, name)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forewarm-prometheus-3-'))
    const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' }
    const targets = ['prometheus', 'promtool'].map((name) => `${MODULE}/${name}@${VERSION}`)
    const built = spawnSync('go', ['install', ...targets], { env, encoding: 'utf8' })
    if (built.status !== 0) throw new Error(`go install failed: ${built.stderr.slice(-1_000)}`)
  }, 1_200_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is what was built', () => {
    expect(spawnSync(program('promtool'), ['--version']).status).toBe(0)
    expect(prometheusVersion(program('prometheus'))).toBeDefined()
  })

  test('stores whole bounds with a decimal point, and answers every query of the dashboard', async () => {
    await scrapedNode(program('prometheus'), async (prometheus) => {
      await allAnswered(prometheus)
      const bounds = await prometheus.query('count by (le) (arbitrage_warming_duration_ms_bucket)')
      expect(bounds.map(({ labels }) => labels.le)).toEqual(expect.arrayContaining(['10.0', '+Inf']))
    })
  }, 300_000)

  test('takes the rules', () => {
    expect(spawnSync(program('promtool'), ['check', 'rules', RULES], { encoding: 'utf8' })).toMatchObject({ status: 0 })
  })
})
