import { dirname, join } from 'node:path'
import type { ProtoSource } from './proto-schema.ts'

/** Folders above a file, any of which its imports may be relative to. */
const MOST_FOLDERS = 16

/** A schema in a file, with what it imports from its folder and those above. */
export function fileSource(path: string, text: string, readFile: (path: string) => string | undefined): ProtoSource {
  const imported = (name: string): ProtoSource | undefined => {
    let folder = dirname(path)
    for (let i = 0; i < MOST_FOLDERS; i++) {
      const found = join(folder, name)
      const text = readFile(found)
      if (text !== undefined) return fileSource(found, text, readFile)
      folder = join(folder, '..')
    }
    return undefined
  }
  return { name: path, text, imported }
}
