import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** The path of a recording while it is written by this process. */
export function partialPathOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial-${process.pid}`)
}

const PARTIAL = /^\..+\.partial-(\d+)$/

/** What recordings into this folder have left whose process was killed. Another machine may write one of them still. */
export async function abandonedPartials(path: string): Promise<readonly string[]> {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => isAbandoned(Number(PARTIAL.exec(name)?.[1]))).map((name) => join(folder, name))
}

function isAbandoned(pid: number): boolean {
  if (Number.isNaN(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
