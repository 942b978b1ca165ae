import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')
const SIGNIFICANT = ['dist/index.js', 'dist/index.d.ts', 'dist/testing.js', 'dist/bin/forewarm.cjs', 'docs/api.md']

let folder: string
let application: string
let packed: { readonly filename: string; readonly files: readonly { readonly path: string }[] }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-package-'))
  application = join(folder, 'application')
  const installed = join(application, 'node_modules/forewarm')
  mkdirSync(installed, { recursive: true })
  // The dependencies are those of this checkout: a test fetches nothing.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const told = run('npm', ['run', '-s', 'package', '--', '--json', '--pack-destination', folder], ROOT)
  packed = JSON.parse(told.slice(told.indexOf('[')))[0]
  run('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', installed], folder)
  writeFileSync(join(application, 'package.json'), JSON.stringify({ name: 'application', type: 'module' }))
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('npm run package packs what it builds, and leaves out the TypeScript files and the Node of this repository', () => {
  const paths = packed.files.map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(SIGNIFICANT))
  expect(paths.filter((path) => /(?<!\.d)\.ts$|^deploy\/node/.test(path))).toEqual([])
})

test('an application imports the package and its testing entry', () => {
  const script = `
    const [{ createNode, detector }, { createMemoryBroker }] = await Promise.all([import('forewarm'), import('forewarm/testing')])
    console.log(typeof createNode, typeof detector, typeof createMemoryBroker)`
  expect(run(process.execPath, ['--input-type=module', '-e', script], application)).toBe('function function function\n')
})

test('the command of the package tells its version', () => {
  const command = join(application, 'node_modules/forewarm/dist/bin/forewarm.cjs')
  expect(run(process.execPath, [command, '--version'], application)).toMatch(/\d+\.\d+\.\d+/)
})

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
