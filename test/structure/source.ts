import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A file of this repository, by its path from the root. */
export interface Source {
  readonly path: string
  readonly text: string
}

export interface Import {
  readonly specifier: string
  /** The path from the root, for a relative one. */
  readonly file: string | undefined
}

export function sourcesOf(root: string): Source[] {
  return filesOf(root, '*.ts')
}

/** What people read. */
export function documentsOf(root: string): Source[] {
  return filesOf(root, '*.md')
}

/** Files that git knows or would take, and that are there: not what it ignores, nor what somebody is about to delete. */
function filesOf(root: string, pattern: string): Source[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', pattern]
  const paths = new Set(execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n'))
  return [...paths]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Static and dynamic imports and re-exports, those of types among them. */
export function importsOf({ path, text }: Source): Import[] {
  const { code, withStrings } = parted(text)
  const found = [...withStrings.matchAll(STATIC_IMPORT), ...withStrings.matchAll(DYNAMIC_IMPORT)]
  // A program in a string imports nothing here.
  return found
    .filter(({ index, 1: keyword = '' }) => code.startsWith(keyword, index))
    .map(([, , specifier = '']) => ({
      specifier,
      file: specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined,
    }))
}

const STATIC_IMPORT = /\b(?<=^[ \t]*)(import|export)\b(?:[^'";]*?\bfrom\s*|\s*)['"]([^'"]+)['"]/gm
const DYNAMIC_IMPORT = /\b(import|require)\s*\(\s*['"]([^'"]+)['"]/g

/** The program without its comments and the contents of its strings; lines stay where they are. */
export function codeOf({ text }: Source): string {
  return parted(text).code
}

export function commentsOf({ text }: Source): string {
  return parted(text).comments
}

interface Parted {
  readonly code: string
  readonly withStrings: string
  readonly comments: string
}

/** Comments and literals, told apart by what stands at the place; everything else is one character of code. */
const TOKEN =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`)|(?<regex>(?<=(?:[(,=:[!&|?{};\n]|=>|\breturn)[ \t]*)\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*)|[\s\S]/g

function parted(text: string): Parted {
  const known = PARTED.get(text)
  if (known !== undefined) return known
  let code = ''
  let withStrings = ''
  let comments = ''
  for (const { 0: token, groups = {} } of text.matchAll(TOKEN)) {
    const blank = token.replace(/[^\n]/g, ' ')
    const isComment = groups.comment !== undefined
    const isLiteral = groups.string !== undefined || groups.regex !== undefined
    code += isComment || isLiteral ? blank : token
    withStrings += isComment || groups.regex !== undefined ? blank : token
    comments += isComment ? token : blank
  }
  const parts = { code, withStrings, comments }
  PARTED.set(text, parts)
  return parts
}

const PARTED = new Map<string, Parted>()
