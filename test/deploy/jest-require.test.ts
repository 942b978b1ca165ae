import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-jest-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** An application with a copy of the package's entries, above small modules in place of the built ones. */
function application(): void {
  const dist = join(folder, 'node_modules/forewarm/dist')
  mkdirSync(dist, { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(dist, '../package.json'))
  for (const entry of ['index', 'testing']) {
    cpSync(join(ROOT, `${entry}.cjs`), join(dist, `${entry}.cjs`))
    writeFileSync(join(dist, `${entry}.js`), `export const from = '${entry}'\n`)
  }
  writeFileSync(join(folder, 'package.json'), '{"name":"application","jest":{"transform":{}}}')
}

test('plain Jest, which knows CommonJS alone, can require the package', () => {
  application()
  const check = (entry: string, from: string) =>
    `test('${entry}', () => expect(require('${entry}').from).toBe('${from}'))\n`
  writeFileSync(join(folder, 'a.test.js'), check('forewarm', 'index') + check('forewarm/testing', 'testing'))
  execFileSync(process.execPath, [join(ROOT, 'node_modules/jest/bin/jest.js')], { cwd: folder, stdio: 'pipe' })
})

test('what require and import give is the same module', () => {
  application()
  const program = `import('forewarm').then((it) => console.log(it === require('forewarm')))`
  expect(String(execFileSync(process.execPath, ['-e', program], { cwd: folder }))).toBe('true\n')
})

test('no module of the package waits at its top level, which require refuses', () => {
  const program = `console.log(typeof require('./index.ts').createNode, typeof require('./testing.ts').createMemoryBroker)`
  const said = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', program], { cwd: ROOT })
  expect(String(said)).toBe('function function\n')
})
