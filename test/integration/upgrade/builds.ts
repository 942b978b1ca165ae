import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { commitOf, extract } from '../../../bench/harness/against.ts'

/** The tree that the tests themselves are in. */
export const THIS_TREE = resolve(import.meta.dirname, '../../..')

/** Something of this build that an older one does not know. */
export type Lacked = 'sources' | 'service' | 'schema-id'

/** An earlier build that shares a service with this one. */
export interface Build {
  readonly commit: string
  readonly name: string
  /** The reason to keep it in the list. */
  readonly why: string
  readonly lacks: readonly Lacked[]
}

export const BUILDS: readonly Build[] = JSON.parse(readFileSync(join(import.meta.dirname, 'builds.json'), 'utf8'))

/** Lays the build out, with its packages, in a folder of its own. Throws if this clone does not have its commit. */
export function layOut({ commit, name }: Build): { readonly tree: string; remove(): void } {
  if (commitOf(commit) === undefined)
    throw new Error(`this clone lacks commit ${commit}, ${name}: fetch the whole history (git fetch --unshallow)`)
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-upgrade-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const tree = join(folder, 'build')
    extract(commit, tree)
    givePackages(tree)
    return { tree, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Packages of the same content are linked, as that takes no time. */
function givePackages(tree: string): void {
  const ours = packagesOf(THIS_TREE)
  const isOurs = packagesOf(tree).every(
    ([name, { dev, integrity }]) => name === '' || dev === true || integrity === new Map(ours).get(name)?.integrity,
  )
  if (isOurs) symlinkSync(join(THIS_TREE, 'node_modules'), join(tree, 'node_modules'))
  else
    execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: tree,
      stdio: [0, 2, 2],
    })
}

interface LockedPackage {
  readonly integrity?: string
  readonly dev?: boolean
}

function packagesOf(tree: string): [name: string, LockedPackage][] {
  return Object.entries(JSON.parse(readFileSync(join(tree, 'package-lock.json'), 'utf8')).packages)
}
