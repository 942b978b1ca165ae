import { access, constants, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Patterns on disk. A new file is written whole beside the old one, then takes its place; the old one is kept as
 * `.previous`. So there is always a whole file to restore from, whatever is interrupted.
 *
 *   patterns.json.new ──► patterns.json ──► patterns.json.previous
 */
export class PatternFile {
  readonly #path: string
  #saving: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** Why nothing can be saved there, as far as can be told now: otherwise a week's patterns would be lost at its end. */
  async problem(): Promise<string | undefined> {
    try {
      await access(dirname(this.#path), constants.W_OK)
      const isThere = await stat(this.#path).catch(() => undefined)
      return isThere === undefined || isThere.isFile() ? undefined : 'it is not a file'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** Writes the text piece by piece, after any earlier save. Rejects if the file cannot be written. */
  save(text: Iterable<string>): Promise<void> {
    const saved = this.#saving.then(() => this.#save(text))
    this.#saving = saved.catch(() => undefined)
    return saved
  }

  /**
   * Hands documents to `take`, which returns what is wrong with one, until one is right: the newest, then one that was
   * about to replace it, then the previous one. A missing file is no problem.
   */
  async restore(take: (document: unknown) => string | undefined): Promise<Restored> {
    const problems: string[] = []
    for (const path of [this.#path, nextOf(this.#path), previousOf(this.#path)]) {
      const problem = await offer(path, take)
      if (problem === undefined) return { from: path, problems }
      if (problem !== 'absent') problems.push(`${path}: ${problem}`)
    }
    return { from: undefined, problems }
  }

  async #save(text: Iterable<string>): Promise<void> {
    const next = nextOf(this.#path)
    const file = await open(next, 'w')
    try {
      for (const piece of text) await file.appendFile(piece)
      // Synced before it is renamed: after a power cut the name must not belong to half a file.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(this.#path, previousOf(this.#path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(next, this.#path)
  }
}

export interface Restored {
  /** The file that was restored; undefined if none was. */
  readonly from: string | undefined
  /** What was wrong with the files before it. */
  readonly problems: readonly string[]
}

function nextOf(path: string): string {
  return `${path}.new`
}

function previousOf(path: string): string {
  return `${path}.previous`
}

async function offer(
  path: string,
  take: (document: unknown) => string | undefined,
): Promise<string | 'absent' | undefined> {
  let document: unknown
  try {
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent'
    return error instanceof Error ? error.message : String(error)
  }
  return take(document)
}
