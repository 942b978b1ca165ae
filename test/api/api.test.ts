import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectWarmed } from '../../testing.ts'
import { apiDocument, ENTRIES, EXAMPLES } from './document.ts'
import { EXPORT, exportsOf, firstSentence, sectionsOf, tells, unexportedTypes } from './exports.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const DOCUMENT = join(ROOT, 'docs/api.md')
const INDEXES = ENTRIES.map(([, file]) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
const EXPORTS = INDEXES.flatMap(({ text }) => exportsOf(ROOT, text))

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

test.each([
  ["import type { Second } from './b.ts'\nexport type First = (each: number) => Second", 'export interface Second {}'],
  ['export interface First {\n  readonly b: () => readonly Second[]\n}\ninterface Second {}', ''],
  ['export declare function First(): Second\ndeclare class Second {}', ''],
])('a type that %j names after an arrow, or does not export, is found', (a, b) => {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-types-'))
  writeFileSync(join(folder, 'a.d.ts'), a)
  writeFileSync(join(folder, 'b.d.ts'), b)
  const found = unexportedTypes(folder, [{ name: 'First', original: 'First', file: 'a.ts', isType: true }])
  rmSync(folder, { recursive: true })
  expect(found).toEqual(['First: Second'])
})

test('every export says in a sentence what it is', () => {
  expect(EXPORTS.filter((each) => !tells(firstSentence(ROOT, each))).map(({ name }) => name)).toEqual([])
})

test.each([[undefined], ['A node.'], ['Throws a ForewarmError.'], ['Does not connect yet.'], ['`older` is a value.']])(
  'the sentence %j does not say what an export is',
  (sentence) => expect(tells(sentence)).toBe(false),
)

/** Exports of an index file that stand in no section of it. */
function apart(text: string): string[] {
  const listed = new Set(sectionsOf(ROOT, text).flatMap(({ exports }) => exports.map(({ name }) => name)))
  return exportsOf(ROOT, text).flatMap(({ name }) => (listed.has(name) ? [] : [name]))
}

test.each(INDEXES)('every export of $file stands in a section of it', async ({ file, text }) => {
  expect(apart(text)).toEqual([])
  const values = exportsOf(ROOT, text).filter(({ isType }) => !isType)
  expect(values.map(({ name }) => name).toSorted()).toEqual(Object.keys(await import(join(ROOT, file))).toSorted())
  expect(text.match(/^export .*/gm)).toHaveLength([...text.matchAll(EXPORT)].length)
})

test('an export before the first section is found', () => {
  const text =
    "export { replay } from './src/replay/replay.ts'\n// Types.\nexport type { Clock } from './src/clock.ts'\n"
  expect(apart(text)).toEqual(['replay'])
})

test('every export stands in docs/api.md (UPDATE_DOCS=1 rewrites it)', () => {
  const document = apiDocument(ROOT)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, document)
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(document)
  expect(EXPORTS.filter(({ name }) => !document.includes(`\n| [\`${name}\`]`)).map(({ name }) => name)).toEqual([])
})

/** Exports that the example does not use. */
function notShown(examples: Readonly<Record<string, string>>): string[] {
  return Object.entries(examples).flatMap(([name, example]) =>
    new RegExp(`\\b${name}\\b`).test(readFileSync(join(ROOT, example), 'utf8')) ? [] : [name],
  )
}

test('every example shows what docs/api.md links it for, and every function but createStateHash has one', () => {
  expect(notShown(EXAMPLES)).toEqual([])
  const functions = EXPORTS.filter(({ name, isType }) => !isType && /^[a-z]/.test(name)).map(({ name }) => name)
  expect(new Set(functions.filter((name) => EXAMPLES[name] === undefined))).toEqual(new Set(['createStateHash']))
})

test('an example that does not show what it is linked for is found', () => {
  expect(notShown({ replay: 'examples/replay.ts', createNode: 'examples/replay.ts' })).toEqual(['createNode'])
})

test('expectWarmed passes for pairs in L1, and names the pairs that are not', () => {
  const node = { has: (_: string, pair: string) => pair === 'WETH/USDC' }
  expectWarmed(node, 'ethereum', ['WETH/USDC'])
  expect(() => expectWarmed(node, 'ethereum', ['WETH/USDC', 'WETH/DAI'])).toThrow('WETH/DAI')
})
