import { resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { longSentencesOfDocuments } from './prose.ts'
import { documentsOf } from './source.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const LONG_SENTENCE = `It says ${'one more word '.repeat(12)}at the end.`

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
