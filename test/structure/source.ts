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
  /** The path from the root, for a relative import. */
  readonly file: string | undefined
}

export function sourcesOf(root: string): Source[] {
  return filesOf(root, '*.ts')
}

/** Files whose comments people read, beside the sources. */
export function scriptsOf(root: string): Source[] {
  return ['*.mjs', '*.sh', '*.yml', '.ci/run', '.env.example'].flatMap((pattern) => filesOf(root, pattern))
}

/** The documents of the repository. */
export function documentsOf(root: string): Source[] {
  return filesOf(root, '*.md')
}

/** The files that git tracks or would add. Ignored files and deleted ones are left out. */
function filesOf(root: string, pattern: string): Source[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', pattern]
  const paths = new Set(execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n'))
  return [...paths]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/**
 * Static imports, dynamic imports and re-exports, including those of types; and the modules that a worker or another
 * process runs, which `new URL('./a.ts', import.meta.url)` names.
 */
export function importsOf({ path, text }: Source): Import[] {
  const { code, withStrings } = parted(text)
  const found = [STATIC_IMPORT, DYNAMIC_IMPORT, MODULE_URL].flatMap((pattern) => [...withStrings.matchAll(pattern)])
  // An import in a string is no import of this file.
  return found
    .filter(({ index, 1: keyword = '' }) => code.startsWith(keyword, index))
    .map(([, keyword, name = '']) => {
      const specifier = keyword === 'new URL' ? `${name.replace(/^(?!\.)/, './')}.ts` : name
      return { specifier, file: specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined }
    })
}

const STATIC_IMPORT = /\b(?<=^[ \t]*)(import|export)\b(?:[^'";]*?\bfrom\s*|\s*)['"]([^'"]+)['"]/gm
const DYNAMIC_IMPORT = /\b(import|require)\s*\(\s*['"`]([^'"`$]+)['"`]/g
/** The end of the name may be taken from the file itself: it is .ts here and .js in the package. */
const MODULE_URL =
  /\b(new URL)\(\s*['"`]([^'"`$:]+)(?:\.ts|\$\{import\.meta\.url\.slice\(-3\)\})['"`]\s*,\s*import\.meta\.url/g

/** The code without its comments and the contents of its strings; line numbers stay the same. */
export function codeOf({ text }: Source): string {
  return parted(text).code
}

export function commentsOf({ text }: Source): string {
  return parted(text).comments
}

/** The text without its comments; line numbers stay the same. */
export function uncommented({ text }: Source): string {
  return parted(text).uncommented
}

interface Parted {
  readonly code: string
  readonly uncommented: string
  readonly withStrings: string
  readonly comments: string
}

/** Matches a comment, a literal, or one character of code. */
const TOKEN =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`)|(?<regex>(?<=(?:[(,=:[!&|?{};\n]|=>|\breturn)[ \t]*)\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*)|[\s\S]/g

function parted(text: string): Parted {
  const known = PARTED.get(text)
  if (known !== undefined) return known
  let code = ''
  let uncommented = ''
  let withStrings = ''
  let comments = ''
  for (const { 0: token, groups = {} } of text.matchAll(TOKEN)) {
    const blank = token.replace(/[^\n]/g, ' ')
    const isComment = groups.comment !== undefined
    const isLiteral = groups.string !== undefined || groups.regex !== undefined
    code += isComment || isLiteral ? blank : token
    uncommented += isComment ? blank : token
    withStrings += isComment || groups.regex !== undefined ? blank : token
    comments += isComment ? token : blank
  }
  const parts = { code, uncommented, withStrings, comments }
  PARTED.set(text, parts)
  return parts
}

const PARTED = new Map<string, Parted>()
