import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A module of ours with one change, to show that a test would notice it. */
export interface Mutant {
  readonly url: string
  /** Deletes the file. */
  remove(): void
}

/** Throws unless the module contains `from` exactly once: the change would be none, or more than one. */
export function mutantOf(original: URL, from: string, to: string): Mutant {
  const text = readFileSync(original, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${original} has ${text.split(from).length - 1} × ${from}`)
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-mutant-'))
  const path = join(folder, basename(original.pathname))
  const standing = text.replace(from, to).replace(/from '(\.[^']*)'/g, (_, path) => `from '${new URL(path, original)}'`)
  writeFileSync(path, standing)
  return { url: pathToFileURL(path).href, remove: () => rmSync(folder, { recursive: true }) }
}
