import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-preflight-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs a program after the preflight in `place`; `before` runs first and may pretend. */
function runIn(place: string, before = ''): { readonly status: number | null; readonly stderr: string } {
  mkdirSync(join(folder, place, 'bin'), { recursive: true })
  for (const name of ['preflight.cjs', 'forewarm.cjs'])
    cpSync(join(ROOT, 'bin', name), join(folder, place, 'bin', name))
  writeFileSync(join(folder, place, 'bin/forewarm.js'), "import { gone } from 'node:fs'\n")
  writeFileSync(join(folder, 'before.cjs'), before)
  const args = ['-r', join(folder, 'before.cjs'), join(folder, place, 'bin/forewarm.cjs')]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, stderr }
}

const OLD = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })"

test('an old Node is told in one sentence, whatever it cannot import', () => {
  const { status, stderr } = runIn('node_modules/forewarm', OLD)
  expect(status).toBe(1)
  expect(stderr).toBe('error: Forewarm needs Node 22.15 or newer, and this is 18.20.8: install a newer one\n')
})

test('a forgotten npm ci is told in one sentence', () => {
  const { status, stderr } = runIn('checkout')
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'error: the packages are missing: run npm ci first\n' })
})

test('the Node that is asked for is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(readFileSync(join(ROOT, 'bin/preflight.cjs'), 'utf8')).toContain(
    `[${engines.node.replace('>=', '').replace('.', ', ')}]`,
  )
})

test('each script of package.json that runs TypeScript has the preflight before it', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const bare = Object.entries(scripts).filter(
    ([, script]) =>
      /\.ts\b/.test(script) && script.startsWith('node ') && !script.startsWith('node -r ./bin/preflight.cjs '),
  )
  expect(bare).toEqual([])
})

test('warnings other than that of TypeScript are shown', () => {
  const program = "process.emitWarning('of a bug'); process.emitWarning('of types', 'ExperimentalWarning')"
  const options = { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' } as const
  const args = ['-r', './bin/preflight.cjs', '-e', program]
  const { stderr } = spawnSync(process.execPath, args, options)
  expect(stderr).toContain('of a bug')
  expect(stderr).not.toContain('of types')
  expect(execFileSync(process.execPath, ['-r', './bin/preflight.cjs', '-p', '1'], options)).toBe('1\n')
})
