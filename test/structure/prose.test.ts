import { resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { longSentences, longSentencesOfDocuments, turnedAroundComments } from './prose.ts'
import { documentsOf, scriptsOf, sourcesOf } from './source.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const LONG_SENTENCE = `It says ${'one more word '.repeat(12)}at the end.`
const commented = [...sourcesOf(ROOT), ...scriptsOf(ROOT)]

/** A sentence of 42 words with something in its middle. */
function around(middle: string): string {
  return `It says ${'one more word '.repeat(6)}${middle} ${'one more word '.repeat(6)}at the end.`
}

describe('the rule that a sentence of a comment has at most 35 words', () => {
  test('holds in this repository', () => {
    expect(longSentences(commented)).toEqual([])
  })

  test.each([
    ['src/a.ts', `// ${LONG_SENTENCE}`],
    ['test/a.ts', `/**\n * Short.\n * ${LONG_SENTENCE.replace(' ', '\n * ')}\n */`],
    ['src/a.ts', `// ${around('e.g. Kafka')}`],
    ['src/a.ts', `// ${around('etc. L1')}`],
    ['src/a.ts', `/**\n * ${around('\n * - ')}\n */`],
    ['src/a.ts', `/**\n * ${around('\n * a ► b')}\n */`],
    ['a.mjs', `// ${LONG_SENTENCE}`],
    ['a.sh', `#!/usr/bin/env bash\n# ${LONG_SENTENCE.replaceAll(' one', '\n# one')}\nset -e`],
    ['a.yml', `a:\n  # ${LONG_SENTENCE}\n  b: 1`],
  ])('finds the violation in %s: %j', (path, text) => {
    expect(longSentences([{ path, text }])).toHaveLength(1)
  })

  test.each([
    ['a.sh', `# It prints:\n#\n${'#   one more word\n'.repeat(20)}`],
    ['src/a.ts', `/*\n${' * │ one more word │\n'.repeat(20)} */`],
    ['src/a.ts', `/**\n * These:\n${' * - one more item\n'.repeat(20)} */`],
  ])('takes output, drawings and items for no sentences: %s, %j', (path, text) => {
    expect(longSentences([{ path, text }])).toEqual([])
  })

  test('reads the scripts, too', () => {
    const kinds = scriptsOf(ROOT).map(({ path }) => /[^./]+$/.exec(path)?.[0])
    expect(new Set(kinds)).toEqual(new Set(['mjs', 'sh', 'yml', 'run', 'example']))
  })
})

describe('the rule that a sentence of a comment begins with what it is about', () => {
  test('holds in this repository', () => {
    expect(turnedAroundComments(commented)).toEqual([])
  })

  test.each([
    ['src/a.ts', '/** Of each round; as many as `values`. */'],
    ['src/a.ts', '// By topic, looked at once a window.'],
    ['src/a.ts', '/**\n * The start. Where it fails, nothing is left.\n */'],
    ['src/a.ts', '/**\n * These:\n * - Of each round, the first.\n * 2. Short.\n */'],
    ['src/a.ts', '// 1. By topic, the first.'],
    ['src/a.ts', '// of each round, the first'],
    ['src/a.ts', '// The first (of each round).'],
    ['src/a.ts', '// The first: of each round.'],
    ['a.sh', '# Where it fails, nothing is left.'],
  ])('finds the violation in %s: %j', (path, text) => {
    expect(turnedAroundComments([{ path, text }])).toHaveLength(1)
  })
})

describe('the rule that a sentence of a document has at most 35 words', () => {
  test('holds in this repository', () => {
    expect(longSentencesOfDocuments(documentsOf(ROOT))).toEqual([])
  })

  test.each([
    [`# A title\n\nShort. ${LONG_SENTENCE}`],
    [`- an item\n- ${LONG_SENTENCE.replaceAll(' one', '\n  one')}`],
    [`| a | b |\n|---|---|\n| c | ${LONG_SENTENCE} |`],
  ])('finds the violation in %j', (text) => {
    expect(longSentencesOfDocuments([{ path: 'a.md', text }])).toHaveLength(1)
  })

  test.each([
    [`\`\`\`\n${LONG_SENTENCE}\n\`\`\``],
    [`| ${'one more cell | '.repeat(20)}\n| ${'one more cell | '.repeat(20)}`],
    [`- one more item\n`.repeat(20)],
  ])('takes code, cells and items for no sentences: %j', (text) => {
    expect(longSentencesOfDocuments([{ path: 'a.md', text }])).toEqual([])
  })
})
