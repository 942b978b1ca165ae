import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A name of the public API. */
export interface Export {
  /** As users import it. */
  readonly name: string
  /** As its file calls it. */
  readonly original: string
  readonly file: string
  readonly isType: boolean
}

/** What stands under one comment of an index file. */
export interface Section {
  readonly title: string
  readonly exports: readonly Export[]
}

const SECTION = /^\/\/ (.*)\.$/
/** An export of an index file. */
export const EXPORT = /export (type )?(?:\*|\{([^}]*)\}) from '([^']+)'/g
const DECLARATION = /^export (?:async |abstract )*(function|class|interface|type|const) (\w+)/gm

/** The sections of an index file's text. */
export function sectionsOf(root: string, text: string): Section[] {
  const parts = text.split(/^(?=\/\/ )/m).slice(1)
  return parts.map((part) => ({
    title: SECTION.exec(part.split('\n')[0] ?? '')?.[1] ?? '',
    exports: exportsOf(root, part),
  }))
}

/** All that an index file's text exports, in sections or not. */
export function exportsOf(root: string, text: string): Export[] {
  return [...text.matchAll(EXPORT)].flatMap(([, allTypes, names, file = '']) =>
    (names ?? declaredIn(join(root, file), allTypes !== undefined))
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((written) => {
        const isType = allTypes !== undefined || written.startsWith('type ')
        const [original = '', name = original] = written.replace(/^type /, '').split(' as ')
        return { name, original, file: normalize(file), isType }
      }),
  )
}

/** All that `*` exports of a file, in the order of the alphabet, as one would write it in braces. */
function declaredIn(file: string, onlyTypes: boolean): string {
  const declared = [...readFileSync(file, 'utf8').matchAll(DECLARATION)].map(([, kind, name = '']) => ({
    name,
    isType: kind === 'interface' || kind === 'type',
  }))
  return declared
    .filter(({ isType }) => isType || !onlyTypes)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, isType }) => (isType ? `type ${name}` : name))
    .join(',')
}

/** The first sentence of the comment in front of the declaration; undefined where there is none. */
export function firstSentence(root: string, { original, file }: Export): string | undefined {
  const text = readFileSync(join(root, file), 'utf8')
  const declaration = `export (?:async |declare |abstract )*(?:function|class|interface|type|const) ${original}\\b`
  const found = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n${declaration}`).exec(text)
  const comment = found?.[1]
    ?.replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return comment === undefined ? undefined : /^.*?\.(?= |$)/.exec(comment)?.[0]
}

/** Openings of a sentence that does not say what a thing is. */
const SAYS_NOTHING = /^(?:Throws|Does|Rejects|Resolves|Is|Are|In|Names|Times|`\w+`)(?![\w'])/

/** Whether the sentence is one that tells what an export is. */
export function tells(sentence: string | undefined): boolean {
  return sentence !== undefined && sentence.split(' ').length >= 3 && !SAYS_NOTHING.test(sentence)
}

/** Types that others are computed from: a user sees the result. */
const COMPUTED_FROM = new Set(['src/config/settings.ts#Table', 'src/config/settings.ts#ValueOf'])

/** Names that the declaration of an export uses and that a user could not import: `name: used, …`. */
export function unexportedTypes(declarations: string, exports: readonly Export[]): string[] {
  const isExported = new Set(exports.map(({ file, original }) => `${file}#${original}`))
  const missing = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string, name: string): void => {
    if (seen.has(`${file}#${name}`)) return
    seen.add(`${file}#${name}`)
    for (const [usedFile, used] of usedBy(declarations, file, name)) {
      if (COMPUTED_FROM.has(`${usedFile}#${used}`)) continue
      if (!isExported.has(`${usedFile}#${used}`)) missing.add(`${name}: ${used}`)
      visit(usedFile, used)
    }
  }
  for (const { file, original } of exports) visit(file, original)
  return [...missing]
}

function usedBy(declarations: string, file: string, name: string): [file: string, name: string][] {
  const text = readFileSync(join(declarations, file.replace(/\.ts$/, '.d.ts')), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  const imported = new Map<string, [string, string]>()
  for (const [, names = '', from = ''] of text.matchAll(/import (?:type )?\{([^}]*)\} from '(\.[^']+)'/g))
    for (const each of names.split(',').map((part) => part.trim().replace(/^type /, ''))) {
      const [original = '', local = original] = each.split(' as ')
      imported.set(local, [normalize(join(dirname(file), from)).replace(/\.(js|ts)$/, '.ts'), original])
    }
  const own = new Set(
    [...text.matchAll(/^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class) (\w+)/gm)].map(
      ([, each = '']) => each,
    ),
  )
  const used =
    declarationOf(text, name)
      .replace(/'[^']*'/g, '')
      .match(/(?<=(?:[:<|&([,=]|=>)\s*(?:readonly |typeof |keyof )?)[A-Z]\w+|(?<=extends )[A-Z]\w+/g) ?? []
  return used.flatMap((each): [string, string][] => {
    const from = imported.get(each)
    if (from !== undefined) return [from]
    return own.has(each) && each !== name ? [[file, each]] : []
  })
}

function declarationOf(text: string, name: string): string {
  const start = new RegExp(
    `^(?:export )?(?:declare )?(?:abstract )?(?:function|class|interface|type|const) ${name}\\b`,
    'm',
  ).exec(text)
  if (start === null) return ''
  const rest = text.slice(start.index)
  const end = rest.slice(1).search(/^(?:export|declare|import|type|interface) /m)
  const first = end < 0 ? rest : rest.slice(0, end + 1)
  // The signatures of a function with several.
  return (
    first + (/^(?:export )?declare function/.test(first) && end >= 0 ? declarationOf(rest.slice(end + 1), name) : '')
  )
}
