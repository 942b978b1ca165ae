import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectWarmed } from '../../testing.ts'
import { apiDocument } from './document.ts'
import { firstSentence, sectionsOf, unexportedTypes } from './exports.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const DOCUMENT = join(ROOT, 'docs/api.md')
const EXPORTS = sectionsOf(ROOT, 'index.ts').flatMap(({ exports }) => exports)

let declarations: string

beforeAll(() => {
  declarations = mkdtempSync(join(tmpdir(), 'forewarm-types-'))
  const options = ['--emitDeclarationOnly', '--outDir', declarations]
  execFileSync(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    ...options,
  ])
})

afterAll(() => rmSync(declarations, { recursive: true, force: true }))

test('every type that a public signature names can be imported', () => {
  expect(unexportedTypes(declarations, EXPORTS)).toEqual([])
})

test('a type that a public signature names and that nobody exports is found', () => {
  const without = EXPORTS.filter(({ name }) => name !== 'PriceUpdate')
  expect(unexportedTypes(declarations, without)).toContain('DetectorFunction: PriceUpdate')
})

test('every export says in a sentence what it is', () => {
  expect(EXPORTS.filter((each) => firstSentence(ROOT, each) === undefined).map(({ name }) => name)).toEqual([])
})

test('every export stands in docs/api.md (UPDATE_DOCS=1 rewrites it), with an example that is there', () => {
  const document = apiDocument(ROOT)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, document)
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(document)
  expect(document).not.toMatch(/\| +\|$/m)
})

test('expectWarmed passes for pairs in L1, and names the pairs that are not', () => {
  const node = { has: (_: string, pair: string) => pair === 'WETH/USDC' }
  expectWarmed(node, 'ethereum', ['WETH/USDC'])
  expect(() => expectWarmed(node, 'ethereum', ['WETH/USDC', 'WETH/DAI'])).toThrow('WETH/DAI')
})
