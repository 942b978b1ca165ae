import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runMarked } from '../../src/marked.ts'
import { UsageError } from '../usage-error.ts'

/**
 * What a module of the user exports under any name, that in lists one by one. What it starts carries the file's name.
 * Throws a UsageError that names the option.
 */
export async function exportsOf(option: string, file: string): Promise<readonly unknown[]> {
  try {
    const module = runMarked(basename(file), () => import(pathToFileURL(resolve(file)).href))
    return Object.values(await module).flat()
  } catch (cause) {
    throw new UsageError(`${option}: ${file} cannot be loaded: ${reasonOf(cause)}`)
  }
}

/** A module may throw anything, also what throws when it is looked at. */
function reasonOf(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause)
  } catch {
    return 'it threw a value that cannot be read'
  }
}
