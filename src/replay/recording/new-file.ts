import { lstatSync, type Stats } from 'node:fs'
import { ReplayError } from '../replay-error.ts'

/**
 * The gate of every file that a command writes. Throws `file-exists` for a name that is taken unless `replace` is true, and
 * `not-writable` for a device, a pipe, a link or a directory, which a file must not replace at all.
 */
export function assertMayWriteFile(path: string, replace: boolean): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isFile())
    throw new ReplayError(
      'not-writable',
      `${path} cannot be written: expected a file or a new name, got ${kindOf(found)}`,
    )
  if (!replace)
    throw new ReplayError(
      'file-exists',
      `${path} exists already: choose another name, or replace it (--force; replace: true in a program)`,
    )
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory'
  return found.isSymbolicLink() ? 'a link: give the name of the file itself' : 'a device or a pipe'
}
