import { dirname } from 'node:path'
import { importsOf, type Source } from './source.ts'

const MAX_FILES_A_FOLDER = 16
const MAX_ROOT_FILES = 6

/** The limit binds the sources; tests mirror them, and have what helps them beside. */
export function crowdedFolders(sources: readonly Source[]): string[] {
  const files = new Map<string, number>()
  for (const { path } of sources) files.set(dirname(path), (files.get(dirname(path)) ?? 0) + 1)
  return [...files].flatMap(([folder, count]) => {
    if (folder === 'test' || folder.startsWith('test/')) return []
    const most = folder === '.' ? MAX_ROOT_FILES : MAX_FILES_A_FOLDER
    return count > most ? [`${folder === '.' ? 'the root' : folder} has ${count} .ts files`] : []
  })
}

/**
 * Cycles among what stands side by side in a folder, its files and its subfolders. An import between two files counts
 * in the folder that holds both: there it joins the two entries in which they lie. A folder does not lie beside its own
 * subfolder: each may import files of the other.
 */
export function folderCycles(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path))
  const byFolder = new Map<string, Map<string, Set<string>>>()
  for (const source of sources)
    for (const { file } of importsOf(source)) {
      if (file === undefined || !paths.has(file)) continue
      const { folder, from, to } = meeting(source.path, file)
      const entries = byFolder.get(folder) ?? new Map<string, Set<string>>()
      byFolder.set(folder, entries.set(from, (entries.get(from) ?? new Set()).add(to)))
    }
  return [...byFolder].flatMap(([folder, entries]) =>
    cyclesOf(entries).map((cycle) => `${folder}: ${cycle.join(' → ')}`),
  )
}

/** The folder that holds both files, and the entries of it in which they lie. */
function meeting(a: string, b: string): { readonly folder: string; readonly from: string; readonly to: string } {
  const [left, right] = [a.split('/'), b.split('/')]
  let depth = 0
  while (left[depth] === right[depth] && depth < Math.min(left.length, right.length) - 1) depth++
  return { folder: left.slice(0, depth).join('/') || '.', from: left[depth] ?? '', to: right[depth] ?? '' }
}

/** Each node that can be reached from itself through others, by the way that was found. */
export function cyclesOf(edges: ReadonlyMap<string, Iterable<string>>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (node: string, trail: readonly string[]): void => {
    const at = trail.indexOf(node)
    if (at >= 0) found.push([...trail.slice(at), node])
    if (at >= 0 || done.has(node)) return
    for (const next of edges.get(node) ?? []) if (next !== node) visit(next, [...trail, node])
    done.add(node)
  }
  for (const node of edges.keys()) visit(node, [])
  return found
}
