import { describe, expect, test } from '@jest/globals'
import { codeOf, commentsOf, importsOf, type Source, uncommented } from './source.ts'

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
    'const q = await import(`./q.ts`)',
    "const r = new Worker(new URL('../r.ts', import.meta.url), { s: 1 })",
    `const t = new URL(\`t\${import.meta.url.slice(-3)}\`, import.meta.url)`,
    "const u = new URL('./u.json', import.meta.url) ?? \"new URL('./v.ts', import.meta.url)\"",
  ].join('\n')
  const source: Source = { path: 'src/a/a.ts', text }

  test('with all its imports and no others', () => {
    expect(importsOf(source)).toEqual([
      { specifier: './b.ts', file: 'src/a/b.ts' },
      { specifier: 'd', file: undefined },
      { specifier: '../e.ts', file: 'src/e.ts' },
      { specifier: './f.ts', file: 'src/a/f.ts' },
      { specifier: './h.ts', file: 'src/a/h.ts' },
      { specifier: './q.ts', file: 'src/a/q.ts' },
      { specifier: '../r.ts', file: 'src/r.ts' },
      { specifier: './t.ts', file: 'src/a/t.ts' },
    ])
  })

  test('without its comments, with all else as it is written', () => {
    const lines = uncommented(source).split('\n')
    expect([lines[0]?.trim(), lines[4]?.trim()]).toEqual(["import a, { type b } from './b.ts'", ''])
    expect(lines.slice(1, 4)).toEqual(text.split('\n').slice(1, 4))
  })

  test('with its comments apart and its strings blank', () => {
    expect(
      commentsOf(source)
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      ...["// from './c.ts'", '', '', '', '/* import g from "g" */', '', '', '', '', '', '', "// o's", '', '', '', ''],
    ])
    expect(
      codeOf(source)
        .split('\n')
        .slice(6, 12)
        .map((line) => line.replace(/\s+/g, ' ').trim()),
    ).toEqual([...['const i = +', 'const run =', '', '', 'const p = .source', 'export const m = n / 2']])
  })
})
