import { codeOf, commentsOf, type Source } from './source.ts'

const MAX_FILE_LINES = 300
const MAX_FUNCTION_LINES = 50

export function longFiles(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1
    return lines > MAX_FILE_LINES ? [`${path} has ${lines} lines`] : []
  })
}

/**
 * Relies on the formatter's indentation: a function ends at the first line that closes a brace in the column where the
 * function began. Suites of tests count as lists, not as functions.
 */
export function longFunctions(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const lines = codeOf(source).split('\n')
    return lines.flatMap((line, at) => {
      if (!opensFunction(line) || /^\s*(describe|test|it)\b/.test(line)) return []
      const indentation = /^\s*/.exec(line)?.[0] ?? ''
      const length = lines.slice(at + 1).findIndex((next) => next.startsWith(`${indentation}}`)) + 2
      return length > MAX_FUNCTION_LINES ? [`${source.path}: ${line.trim()} has ${length} lines`] : []
    })
  })
}

function opensFunction(line: string): boolean {
  if (/=>\s*\{\s*$/.test(line)) return true
  return (
    /\)(?::\s*.+)?\s*\{\s*$/.test(line) && !/^\s*(?:\}\s*)?(?:if|else|for|while|switch|catch|do|class)\b/.test(line)
  )
}

const VAGUE = /(?:^|[/-])(utils?|helpers?|common|managers?|services?|impl|index)(?=[-./]|$)/

export function vagueNames(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path }) => {
    const [, word] = VAGUE.exec(path.replace(/(\.test)?\.ts$/, '')) ?? []
    return word !== undefined && path !== 'index.ts' ? [`${path} is named ${word}`] : []
  })
}

const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['the type any', /(?:[:<|&]\s*|\bas\s+|=>\s*|,\s*(?=any\s*>))any\b(?!\s*[.(])/],
  ['a non-null assertion', /[\w$)\]]!(?!=)(?=[\s.,;:)\]}?[]|$)/m],
  ['an enum', /^\s*(?:export\s+)?(?:const\s+|declare\s+)?enum\s+\w/m],
  ['a namespace', /^\s*(?:export\s+)?(?:declare\s+)?namespace\s+\w/m],
  ['a default export', /^\s*export\s+default\b|\bas\s+default\b/m],
]

export function forbiddenSyntax(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    FORBIDDEN.flatMap(([what, pattern]) => (pattern.test(codeOf(source)) ? [`${source.path} has ${what}`] : [])),
  )
}

export function notesToSelf(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const note = /\b(TODO|FIXME|XXX|HACK)\b/.exec(commentsOf(source))
    return note === null ? [] : [`${source.path} has a ${note[0]}`]
  })
}

const IMPURE =
  /\b(await|async|Date\.now|new Date|Math\.random|performance|process|setTimeout|setInterval|setImmediate)\b/

export function impureCore(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    if (!/^src\/(correlation|strategy|prediction)\//.test(source.path)) return []
    const impure = IMPURE.exec(codeOf(source))
    return impure === null ? [] : [`${source.path} has ${impure[0]}`]
  })
}

/** Only `test/harness` may sleep, to wait for conditions. */
export function sleepingTests(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    if (!source.path.startsWith('test/') || source.path.startsWith('test/harness/')) return []
    const sleeps = /(?<!\.)\bsetTimeout\s*\(|\bAtomics\.wait\b/.test(codeOf(source)) || TIMER_PROMISE.test(source.text)
    return sleeps ? [`${source.path} waits for time to pass`] : []
  })
}

const TIMER_PROMISE = /^import \{[^}]*\bsetTimeout\b[^}]*\} from 'node:timers\/promises'/m
