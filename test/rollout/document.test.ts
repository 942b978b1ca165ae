import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('docs/rollout.md names metrics that docs/telemetry.md has', () => {
  const named = [...read('docs/rollout.md').matchAll(/`(\w+(?:_total|_ratio|_points|_seconds(?:_sum|_count)?))`/g)]
  const known = read('docs/telemetry.md')
  const unknown = named
    .map(([, name = '']) => name.replace(/_(sum|count)$/, ''))
    .filter((name) => !known.includes(`\`${name}\``))
  expect([named.length > 20, unknown]).toEqual([true, []])
})

test('docs/rollout.md names members that GET /rollout has', () => {
  const routes = read('src/http/routes/rollout-routes.ts')
  const named = [
    ...read('docs/rollout.md').matchAll(/`(?:shadow\.)?(effective_mode|off_because|unknown_chains|hit_ratio\w*)`/g),
  ]
  expect(named.map(([, name = '']) => name).filter((name) => !routes.includes(name))).toEqual([])
  expect(new Set(named.map(([, name]) => name)).size).toBe(5)
})
