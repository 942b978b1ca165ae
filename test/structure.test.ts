import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  forbiddenSyntax,
  impureCore,
  longFiles,
  longFunctions,
  notesToSelf,
  sleepingTests,
  vagueNames,
} from './structure/form.ts'
import { cycles, deadFiles, missingFiles, undeclaredPackages, wrongWay } from './structure/layers.ts'
import { unreadSettings } from './structure/settings.ts'
import { codeOf, commentsOf, importsOf, type Source, sourcesOf } from './structure/source.ts'

const ROOT = resolve(import.meta.dirname, '..')
const sources = sourcesOf(ROOT)
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const declared = {
  dependencies: Object.keys(manifest.dependencies),
  devDependencies: Object.keys(manifest.devDependencies),
}

type Rule = (sources: readonly Source[]) => string[]

/** A fact of this repository, the rule that finds violations of it, and files in which the rule must find one. */
const RULES: readonly (readonly [fact: string, rule: Rule, against: Readonly<Record<string, string>>[]])[] = [
  [
    'imports run one way',
    wrongWay,
    [
      { 'schemas/a.ts': "import { b } from '../src/b.ts'" },
      { 'src/a.ts': "import type { b } from '../consumers/b.ts'" },
      { 'src/a.ts': "export { b } from '../producers/b.ts'" },
      { 'src/cache/a.ts': "import { b } from '../http/b.ts'" },
      { 'src/cache/a.ts': "const b = await import('../../index.ts')" },
      { 'consumers/a.ts': "import { b } from '../producers/b.ts'" },
      { 'producers/a.ts': "import { b } from '../consumers/b.ts'" },
      { 'consumers/a.ts': "import { b } from '../src/http/b.ts'" },
      { 'src/correlation/a.ts': "import { b } from '../strategy/b.ts'" },
      { 'src/correlation/a.ts': "import { b } from '../cache/b.ts'" },
      { 'src/strategy/a.ts': "import { readFileSync } from 'node:fs'" },
      { 'node/a.ts': "import '../bin/b.ts'" },
      { 'node/a.ts': "import '../standalone/b.ts'" },
      { 'bin/a.ts': "import {\n  b,\n} from '../test/b.ts'" },
    ],
  ],
  ['what is imported is there', missingFiles, [{ 'src/a.ts': "import { b } from './b.ts'" }]],
  [
    'no file needs itself',
    cycles,
    [
      { 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "import type { a } from './a.ts'" },
      { 'a.ts': "import './b.ts'", 'b.ts': "export * from './c.ts'", 'c.ts': "await import('./b.ts')" },
    ],
  ],
  [
    'every file is reached from what is run',
    deadFiles,
    [
      { 'index.ts': "import './node.ts'", 'node.ts': '', 'src/a.ts': "import './b.ts'", 'src/b.ts': '' },
      { 'test/a.test.ts': "import '../src/a.ts'", 'src/a.ts': '' },
    ],
  ],
  [
    'every package is declared for those who import it',
    (all) => undeclaredPackages(all, declared),
    [{ 'src/a.ts': "import fc from 'fast-check'" }, { 'test/a.ts': "import { b } from '@scope/b/c'" }],
  ],
  ['files have at most 300 lines', longFiles, [{ 'src/a.ts': 'a\n'.repeat(301) }]],
  [
    'functions have at most 50 lines',
    longFunctions,
    [
      { 'src/a.ts': `function a() {\n${'  b()\n'.repeat(49)}}` },
      { 'src/a.ts': `class A {\n  async #a(b: string): Promise<void> {\n${'    b()\n'.repeat(49)}  }\n}` },
      { 'src/a.ts': `const a = () => {\n${'  b()\n'.repeat(49)}}` },
    ],
  ],
  [
    'names say what is in the file',
    vagueNames,
    [{ 'src/utils.ts': '' }, { 'src/cache/index.ts': '' }, { 'src/helpers/a.ts': '' }, { 'src/kafka-manager.ts': '' }],
  ],
  [
    'nothing gets around the types, and everything has a name',
    forbiddenSyntax,
    [
      { 'a.ts': 'const a: any = 1' },
      { 'a.ts': 'const a = b as any[]' },
      { 'a.ts': 'const a: Map<string, any> = b' },
      { 'a.ts': 'const a = b!.c' },
      { 'a.ts': 'const a = b[0]!' },
      { 'a.ts': 'export enum A {}' },
      { 'a.ts': 'namespace A {}' },
      { 'a.ts': 'export default a' },
      { 'a.ts': 'export { a as default }' },
    ],
  ],
  ['every setting is read where it works', unreadSettings, [{ 'src/config/a.ts': 'config.cache.maxPairs' }]],
  ['what is left to do is in no comment', notesToSelf, [{ 'a.ts': '// TODO: b' }, { 'a.ts': '/* FIXME */' }]],
  [
    'the core is pure and synchronous',
    impureCore,
    [
      { 'src/correlation/a.ts': 'const a = Date.now()' },
      { 'src/strategy/a.ts': 'const a = Math.random()' },
      { 'src/strategy/a.ts': 'async function a() {}' },
    ],
  ],
  [
    'no test waits for time to pass',
    sleepingTests,
    [
      { 'test/a.test.ts': 'await new Promise((resolve) => setTimeout(resolve, 10))' },
      { 'test/a.test.ts': "import { setTimeout as delay } from 'node:timers/promises'" },
    ],
  ],
]

/** The beginning of a finding that may stay, and why. */
const EXCEPTIONS: readonly (readonly [finding: string, why: string])[] = [
  ['FOREWARM_PROFILE: nobody reads', 'what the other defaults come from: the loader reads it'],
  ['src/cache/l2/memory.ts: export function createMemoryL2', 'an object written out, six short methods'],
  ['examples/polymarket/run-day.ts: export async function runDay', 'an example is read from top to bottom'],
  ['test/cache/l2/conformance.ts: export function l2Conformance', 'a suite'],
  ['test/cache/l3/conformance.ts: export function l3Conformance', 'a suite'],
  ['test/cache/promotion-schedules.ts: export async function run', 'an interpreter of schedules, one case a step'],
  ['test/integration/broker/faults.test.ts waits', 'a condition that waits between looks'],
  ['test/integration/broker/rebalance.test.ts waits', 'handlers that take their time, on a broker that has its own'],
  ['test/node/market.test.ts waits', 'a detector that looks later, and updates that come at a pace'],
]

describe.each(RULES)('the rule that %s', (_, rule, against) => {
  test('holds in this repository', () => {
    const found = rule(sources).filter((finding) => !EXCEPTIONS.some(([excepted]) => finding.startsWith(excepted)))
    expect(found).toEqual([])
  })

  test.each(against.map((files) => [files]))('finds the violation in %j', (files) => {
    const wrong = Object.entries(files).map(([path, text]) => ({ path, text }))
    expect(rule(wrong)).not.toEqual([])
  })
})

test('every exception of the rules is needed', () => {
  const found = RULES.flatMap(([, rule]) => rule(sources))
  expect(EXCEPTIONS.filter(([excepted]) => !found.some((finding) => finding.startsWith(excepted)))).toEqual([])
})

describe('a source is read', () => {
  const text = [
    "import a, { type b } from './b.ts' // from './c.ts'",
    "import type { d } from 'd'",
    "export * from '../e.ts'",
    "import './f.ts'",
    '/* import g from "g" */',
    "const h = await import('./h.ts')",
    'const i = "import j from \'j\'" + `k // l`',
    "const run = `\nimport './n.ts'\nawait import('./o.ts')`",
    "const p = /[/]\\/'/.source",
    "export const m = n / 2 // o's",
  ].join('\n')
  const source: Source = { path: 'src/a/a.ts', text }

  test('with all its imports and no others', () => {
    expect(importsOf(source)).toEqual([
      { specifier: './b.ts', file: 'src/a/b.ts' },
      { specifier: 'd', file: undefined },
      { specifier: '../e.ts', file: 'src/e.ts' },
      { specifier: './f.ts', file: 'src/a/f.ts' },
      { specifier: './h.ts', file: 'src/a/h.ts' },
    ])
  })

  test('with its comments apart and its strings blank', () => {
    expect(
      commentsOf(source)
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([...["// from './c.ts'", '', '', '', '/* import g from "g" */', '', '', '', '', '', '', "// o's"]])
    expect(
      codeOf(source)
        .split('\n')
        .slice(6)
        .map((line) => line.replace(/\s+/g, ' ').trim()),
    ).toEqual([...['const i = +', 'const run =', '', '', 'const p = .source', 'export const m = n / 2']])
  })
})
