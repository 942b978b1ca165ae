import { cyclesOf } from './folders.ts'
import { importsOf, type Source } from './source.ts'

const PARTS = ['schemas', 'correlation', 'strategy', 'prediction', 'src', 'http', 'consumers', 'producers']

/**
 * Imports run one way: bin, examples, bench, test, deploy → index → standalone → node → consumers, producers, src/http →
 * the rest of src → schemas. Each layer lists the others that it may import.
 */
const LAYERS: readonly (readonly [layer: string, belongs: RegExp, imports: readonly string[]])[] = [
  ['schemas', /^schemas\//, []],
  ['correlation', /^src\/correlation\//, ['schemas']],
  ['strategy', /^src\/strategy\//, ['schemas', 'correlation']],
  ['prediction', /^src\/prediction\//, ['schemas', 'correlation', 'strategy']],
  ['http', /^src\/http\//, ['schemas', 'correlation', 'strategy', 'prediction', 'src']],
  ['src', /^src\//, ['schemas', 'correlation', 'strategy', 'prediction']],
  ['consumers', /^consumers\//, ['schemas', 'correlation', 'strategy', 'prediction', 'src']],
  ['producers', /^producers\//, ['schemas', 'correlation', 'strategy', 'prediction', 'src']],
  ['node', /^node\//, PARTS],
  ['standalone', /^standalone\//, [...PARTS, 'node']],
  ['root', /^[^/]+$/, [...PARTS, 'node', 'standalone']],
]
const CORE = [...PARTS, 'node', 'standalone', 'root']
const OUTSIDE: typeof LAYERS = [
  ['deploy', /^deploy\//, CORE],
  ['bin', /^bin\//, [...CORE, 'deploy']],
  ['bench', /^bench\//, [...CORE, 'deploy']],
  ['examples', /^examples\//, [...CORE, 'deploy']],
  ['test', /^test\//, [...CORE, 'deploy', 'bin', 'bench', 'examples']],
]
const ALL = [...LAYERS, ...OUTSIDE]

/** Pure and synchronous layers: they import no package, not even Node's own. */
const PURE = new Set(['correlation', 'strategy', 'prediction'])

export function wrongWay(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const [layer = 'nowhere', , allowed = []] = layerOf(source.path)
    return importsOf(source).flatMap(({ specifier, file }) => {
      if (file === undefined)
        return PURE.has(layer) ? [`${source.path} is of the core and imports the package ${specifier}`] : []
      const [other = 'nowhere'] = layerOf(file)
      return other === layer || allowed.includes(other) ? [] : [`${source.path} (${layer}) imports ${file} (${other})`]
    })
  })
}

export function missingFiles(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path))
  return eachImport(sources).flatMap(([from, to]) =>
    to.endsWith('.ts') && !paths.has(to) ? [`${from} imports ${to}, which is not there`] : [],
  )
}

/** Files that import each other in a circle; imports of types count. */
export function cycles(sources: readonly Source[]): string[] {
  return cyclesOf(importsByFile(sources)).map((cycle) => cycle.join(' → '))
}

/** What users import, what package.json runs, and the examples that a reader is told to run. */
const ROOTS =
  /^(?:index|testing|bin\/forewarm|bin\/stack|bench\/run|deploy\/monitoring\/write|examples\/(?:[^/]+|library\/[^/]+|threads\/main|polymarket\/polymarket))\.ts$/

/** Files that nothing which a user or developer runs imports, directly or not. */
export function deadFiles(sources: readonly Source[]): string[] {
  const imports = importsByFile(sources)
  const alive = new Set<string>()
  const reach = (path: string): void => {
    if (alive.has(path)) return
    alive.add(path)
    for (const next of imports.get(path) ?? []) reach(next)
  }
  for (const { path } of sources) if (ROOTS.test(path)) reach(path)
  return sources.flatMap(({ path }) =>
    alive.has(path) || path.startsWith('test/') ? [] : [`${path} is reached from nowhere`],
  )
}

/** Shipped files may import only `dependencies` of the manifest; other files may import `devDependencies`, too. */
export function undeclaredPackages(
  sources: readonly Source[],
  declared: { readonly dependencies: readonly string[]; readonly devDependencies: readonly string[] },
): string[] {
  return sources.flatMap((source) => {
    const ships = !/^(test|bench|examples|deploy)\//.test(source.path)
    const allowed = new Set(['forewarm', ...declared.dependencies, ...(ships ? [] : declared.devDependencies)])
    return importsOf(source).flatMap(({ specifier, file }) => {
      if (file !== undefined || specifier.startsWith('node:')) return []
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      return allowed.has(name) ? [] : [`${source.path} imports ${name}, which package.json does not have for it`]
    })
  })
}

function layerOf(path: string): (typeof ALL)[number] | [] {
  return ALL.find(([, belongs]) => belongs.test(path)) ?? []
}

function eachImport(sources: readonly Source[]): [from: string, to: string][] {
  return sources.flatMap((source) =>
    importsOf(source).flatMap(({ file }): [string, string][] => (file === undefined ? [] : [[source.path, file]])),
  )
}

function importsByFile(sources: readonly Source[]): Map<string, string[]> {
  const imports = new Map<string, string[]>()
  for (const [from, to] of eachImport(sources)) imports.set(from, [...(imports.get(from) ?? []), to])
  return imports
}
