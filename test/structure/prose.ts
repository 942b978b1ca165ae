import { commentsOf, type Source } from './source.ts'

const MAX_WORDS = 35
/** Openings that turn a comment's sentence around; also after a colon, in parentheses and in an item of a list. */
const TURNED_AROUND = /(?:^(?:[-*(\s]|\d+\.)*|[:(]\s*)(?:of|by|where)\b/i

export function longSentences(sources: readonly Source[]): string[] {
  return tooLong(sources, commentSentences)
}

export function longSentencesOfDocuments(documents: readonly Source[]): string[] {
  return tooLong(documents, documentSentences)
}

export function turnedAroundComments(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    commentSentences(source).flatMap((sentence) =>
      TURNED_AROUND.test(sentence) ? [`${source.path}: "${beginning(sentence)}"`] : [],
    ),
  )
}

function tooLong(texts: readonly Source[], sentences: (text: Source) => readonly string[]): string[] {
  return texts.flatMap((text) =>
    sentences(text).flatMap((sentence) => {
      const words = sentence.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)).length
      return words > MAX_WORDS ? [`${text.path}: ${words} words, "${beginning(sentence)}"`] : []
    }),
  )
}

function beginning(sentence: string): string {
  return sentence.split(' ').slice(0, 8).join(' ')
}

/** What stands in comments, without their marks; code between two comments parts them. */
function commentSentences(source: Source): string[] {
  if (!/\.(?:ts|mjs)$/.test(source.path)) return sentencesIn(hashComments(source.text))
  const lines = commentsOf(source).split('\n')
  return sentencesIn(lines.map((line) => line.replace(/^\s*(?:\/\*+|\*+\/|\*|\/\/)?/, '').replace(/\*+\/\s*$/, '')))
}

/** The comments of a shell script, of YAML or of a list of variables; an indented block shows output or a command. */
function hashComments(text: string): string[] {
  const prose = text.replace(/^#[ ]*\n(?:#[ ]{3,}.*\n)+/gm, '#\n')
  return prose.split('\n').map((line) => /^\s*#(?!!)\s?(.*)$/.exec(line)?.[1] ?? '')
}

/** What stands in a document outside its code; a cell of a table is a text of its own. */
function documentSentences({ text }: Source): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/<!--[\s\S]*?-->/g, '')
  return sentencesIn(
    prose.split('\n').flatMap((line) =>
      /^\s*\|/.test(line)
        ? line
            .split(/(?<!\\)\|/)
            .join('\n\n')
            .split('\n')
        : [line],
    ),
  )
}

/** A blank line, a drawing, a heading or an item of a list ends what stands before it; an item not in mid-sentence. */
function sentencesIn(lines: readonly string[]): string[] {
  const blocks: string[] = ['']
  for (const line of lines) {
    const block = blocks.at(-1) ?? ''
    const isApart = line.trim() === '' || DRAWING.test(line)
    const isItem = ITEM.test(line) && (ITEM.test(block) || /(?:^|[.:;,!?)])\s*$/.test(block))
    if (isApart || isItem || /^\s*#+ /.test(line)) blocks.push('')
    if (!isApart) blocks.push(`${blocks.pop()} ${line.trim()}`)
  }
  return blocks.flatMap((each) => each.trim().split(SENTENCE_END))
}

const ITEM = /^\s*(?:[-*]|\d+\.) /
const SENTENCE_END = /(?<=[.!?][)"'”*_`]*)(?<!\b(?:e\.g|i\.e|etc|cf|vs|approx|resp|incl)\.)\s+(?=[^\p{Ll}])/u
const DRAWING = /[─│┌┐└┘├┤┬┴┼═║].*[─│┌┐└┘├┤┬┴┼═║]|^\s*[─│┌┐└┘├┤┬┴┼═║▶►◄▲▼]|\s{3,}\S+\s{3,}/
