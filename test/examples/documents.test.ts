import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')
const DOCUMENTS = globSync(['*.md', 'docs/*.md', 'examples/*.md'], { cwd: ROOT }).toSorted()
/** A block that shows a file, or a region of it: `path` or `path#region`. */
const BLOCK = /<!-- file: (\S+) -->\n```ts\n(?:[\s\S]*?\n)??```/g
const FOLDERS = ['bench', 'bin', 'consumers', 'deploy', 'examples', 'node', 'producers', 'schemas', 'src', 'standalone']
/** A file by its path from the root, or a folder, which ends with a slash. */
const FILE_NAME = new RegExp(`\`((?:${FOLDERS.join('|')}|docs|test)/[\\w./-]*(?:\\.\\w+|/))\``, 'g')
const LINK = /\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g
const SECTION_LINK = /\]\((?!https?:)([^)#]*)#([^)]+)\)/g
const SCRIPT = /npm (?:run (?:-s )?([\w:]+)|(start|test)\b)/g

const scripts = Object.keys(JSON.parse(read('package.json')).scripts)

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function contentOf(reference: string): string {
  const [path = '', region] = reference.split('#')
  const text = read(path)
  if (region === undefined) return text.trimEnd()
  const [, after = ''] = text.split(`// region: ${region}\n`)
  const lines = (after.split(/ *\/\/ endregion/)[0] ?? '').trimEnd().split('\n')
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0
  return lines.map((line) => line.slice(indent)).join('\n')
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? '')
}

/** The names by which a document's sections can be linked, as GitHub makes them. */
function sectionsOf(text: string): readonly string[] {
  return matches(text, /^#+ (.+)$/gm).map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\d _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Folders of the sources that hold a file of TypeScript. */
function sourceFolders(): readonly string[] {
  const files = globSync(`{${FOLDERS.join(',')}}/**/*.ts`, { cwd: ROOT })
  return [...new Set(files.map((file) => `${dirname(file)}/`))].toSorted()
}

test.each(['README.md', 'docs/migration.md'])(
  '%s shows files as they are (UPDATE_DOCS=1 rewrites its blocks)',
  (path) => {
    const shown = read(path).replace(
      BLOCK,
      (_, reference: string) => `<!-- file: ${reference} -->\n\`\`\`ts\n${contentOf(reference)}\n\`\`\``,
    )
    if (process.env.UPDATE_DOCS === '1') writeFileSync(join(ROOT, path), shown)
    expect(read(path)).toBe(shown)
    expect(matches(shown, BLOCK).map(contentOf)).not.toContain('')
  },
)

test('docs/migration.md shows every region of its test', () => {
  const regions = matches(read('test/examples/migration.test.ts'), /\/\/ region: (\S+)/g)
  const shown = matches(read('docs/migration.md'), BLOCK).map((reference) => reference.split('#')[1])
  expect(shown.toSorted()).toEqual(regions.toSorted())
})

describe('the README', () => {
  test('shows the files of all three uses, and no other TypeScript', () => {
    const text = read('README.md')
    expect(matches(text, BLOCK)).toEqual([
      'examples/spread.ts',
      'examples/subscribe.ts',
      'examples/warm.ts',
      'examples/replay.ts',
      'test/examples/golden.test.ts#golden',
      'examples/cache.ts',
      'examples/library/minimal.ts',
    ])
    expect(matches(text, /```(ts)\n/g)).toHaveLength(matches(text, BLOCK).length)
  })
})

test('the map of docs/architecture.md has every folder of the sources', () => {
  const [, map = ''] = read('docs/architecture.md').split('## The map\n')
  const named = matches(map.split('\n## ')[0] ?? '', /^\| `([\w/]+\/)` \|/gm)
  expect(sourceFolders().filter((folder) => !named.includes(folder))).toEqual([])
})

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document)

  test('names only files that exist', () => {
    expect(matches(text, FILE_NAME).filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('links only to files that exist', () => {
    const folder = join(ROOT, dirname(document))
    expect(matches(text, LINK).filter((path) => !existsSync(join(folder, path)))).toEqual([])
  })

  test('links only to sections that exist', () => {
    const missing = [...text.matchAll(SECTION_LINK)].flatMap(([link, path = '', section = '']) => {
      const target = path === '' ? text : read(join(dirname(document), path))
      return sectionsOf(target).includes(section) ? [] : [link]
    })
    expect(missing).toEqual([])
  })

  test('names only npm scripts that exist', () => {
    expect(matches(text, SCRIPT).filter((script) => !scripts.includes(script))).toEqual([])
  })
})
