import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { EXCEPTIONS, judged } from './structure/exceptions.ts'
import { crowdedFolders, folderCycles } from './structure/folders.ts'
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
import { repetitions } from './structure/repetitions.ts'
import { unreadSettings } from './structure/settings.ts'
import { type Source, sourcesOf } from './structure/source.ts'

const ROOT = resolve(import.meta.dirname, '..')
const sources = sourcesOf(ROOT)
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const declared = {
  dependencies: Object.keys(manifest.dependencies),
  devDependencies: Object.keys(manifest.devDependencies),
}

type Rule = (sources: readonly Source[]) => string[]

const SIX_LINES = 'const a = 1\nconst b = 2\nconst c = 3\nconst d = 4\nconst e = 5\nconst f = 6'

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
  [
    'what is imported is there',
    missingFiles,
    [{ 'src/a.ts': "import { b } from './b.ts'" }, { 'src/a.ts': "new URL('./b.ts', import.meta.url)" }],
  ],
  [
    'no file needs itself',
    cycles,
    [
      { 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "import type { a } from './a.ts'" },
      { 'a.ts': "import './b.ts'", 'b.ts': "export * from './c.ts'", 'c.ts': "await import('./b.ts')" },
      { 'a.ts': "import './b.ts'", 'b.ts': "new Worker(new URL('./a.ts', import.meta.url))" },
    ],
  ],
  [
    'files and subfolders beside each other do not import each other in a cycle',
    folderCycles,
    [
      {
        'src/broker/a.ts': "import '../telemetry/b.ts'",
        'src/telemetry/b.ts': '',
        'src/telemetry/c.ts': "import '../broker/d.ts'",
        'src/broker/d.ts': '',
      },
      { 'src/a/b/c.ts': "import '../d.ts'", 'src/a/d.ts': "import './b/e.ts'", 'src/a/b/e.ts': '' },
      { 'src/a.ts': "import './b/c.ts'", 'src/b/c.ts': '', 'src/b/d.ts': "new URL('../a.ts', import.meta.url)" },
    ],
  ],
  [
    'a folder holds at most 16 .ts files, the root at most 6',
    crowdedFolders,
    [
      Object.fromEntries(Array.from({ length: 17 }, (_, file) => [`src/cache/a${file}.ts`, ''])),
      Object.fromEntries(Array.from({ length: 7 }, (_, file) => [`a${file}.ts`, ''])),
    ],
  ],
  [
    'no six lines of code outside the tests stand in two places',
    repetitions,
    [
      { 'src/a.ts': SIX_LINES, 'producers/b.ts': `const z = 0\n${SIX_LINES}` },
      { 'bin/a.ts': SIX_LINES, 'deploy/b.ts': SIX_LINES },
      { 'src/a.ts': SIX_LINES, 'src/b.ts': SIX_LINES.replace('\n', ' // of b\n') },
      { 'src/a.ts': `${SIX_LINES}\nconst z = 0\n// of b\n${SIX_LINES.replaceAll('\n', '\n\n')}` },
    ],
  ],
  [
    'every file is reached from what is run',
    deadFiles,
    [
      { 'index.ts': "import './node.ts'", 'node.ts': '', 'src/a.ts': "import './b.ts'", 'src/b.ts': '' },
      { 'test/a.test.ts': "import '../src/a.ts'", 'src/a.ts': '' },
      { 'bin/forewarm.ts': '', 'bin/commands/a.ts': '' },
      { 'bench/run.ts': '', 'bench/cases/a.ts': '' },
      { 'examples/a.ts': '', 'examples/threads/b.ts': '' },
      { 'bin/stack.ts': '', 'deploy/stack/a.ts': '' },
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

describe.each(RULES)('the rule that %s', (fact, rule, against) => {
  test('holds in this repository, and needs each of its exceptions', () => {
    expect(judged(fact, rule(sources))).toEqual({ violations: [], unneeded: [] })
  })

  test.each(against.map((files) => [files]))('finds the violation in %j', (files) => {
    const wrong = Object.entries(files).map(([path, text]) => ({ path, text }))
    expect(rule(wrong)).not.toEqual([])
  })
})

describe('an exception', () => {
  const sleeps = 'test/node/market.test.ts waits for time to pass'

  test('allows its finding to its own rule alone', () => {
    expect(judged('no test waits for time to pass', [sleeps]).violations).toEqual([])
    expect(judged('files have at most 300 lines', [sleeps]).violations).toEqual([sleeps])
  })

  test('allows no other finding in its file', () => {
    const others = [`${sleeps} twice`, 'src/cache/l1/residency.ts:1 ~ src/cache/l1/value-store.ts:2: const other = 1']
    for (const other of others)
      for (const fact of Object.keys(EXCEPTIONS)) expect(judged(fact, [other]).violations).toEqual([other])
  })

  test('is told when nothing needs it', () => {
    expect(judged('no test waits for time to pass', []).unneeded).toContain(sleeps)
  })

  test('belongs to a rule that is there', () => {
    const facts = RULES.map(([fact]) => fact)
    expect(Object.keys(EXCEPTIONS).filter((fact) => !facts.includes(fact))).toEqual([])
  })
})
