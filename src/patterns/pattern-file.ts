import { access, constants, lstat, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Every file of patterns begins so, also one that was cut off. */
export const PATTERNS_BEGIN = '{"kind":"forewarm-patterns"'
/** A node that is started again and again beside a file that is damaged each time must not fill the disk. */
export const MOST_KEPT = 5

/**
 * Patterns on disk. A new file is written whole beside the old one, then takes its place; the old one is kept as
 * `.previous`. So there is always a whole file to restore from, whatever is interrupted.
 *
 *   patterns.json.new ──► patterns.json ──► patterns.json.previous
 *
 * What stands in the way and is not patterns, or cannot be read, is never overwritten: it is renamed to `.kept-1`, and so
 * on to `.kept-5`. Then nothing is saved until somebody has looked at these.
 */
export class PatternFile {
  #path: string
  #saving: Promise<unknown> = Promise.resolve()
  /** The state of each file when it was last known to be whole patterns. */
  readonly #known = new Map<string, string>()

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Why nothing can be saved there, as far as can be told now: otherwise a week's patterns would be lost at its end. A
   * link to a file is followed, so that saving does not replace it.
   */
  async problem(): Promise<string | undefined> {
    try {
      const found = await lstat(this.#path).catch(() => undefined)
      if (found?.isSymbolicLink()) this.#path = await realpath(this.#path)
      await access(dirname(this.#path), constants.W_OK)
      const isFile = found === undefined || (await lstat(this.#path)).isFile()
      if (!isFile) return 'it is not a file'
      const isFull = (await freeName(this.#path)) === undefined && !(await this.#isOurs(this.#path))
      return isFull ? full(this.#path) : undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /**
   * Writes the text piece by piece, after any earlier save. Resolves to the new names of files that were in the way and
   * are not ours. Rejects if the file cannot be written.
   */
  save(text: Iterable<string>): Promise<readonly string[]> {
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
      const state = await stateOf(path)
      const problem = await offer(path, take)
      if (problem === undefined) {
        if (state !== undefined) this.#known.set(path, state)
        return { from: path, problems }
      }
      if (problem !== 'absent') problems.push(`${path}: ${problem}`)
    }
    return { from: undefined, problems }
  }

  async #save(text: Iterable<string>): Promise<readonly string[]> {
    const [next, previous] = [nextOf(this.#path), previousOf(this.#path)]
    const kept: string[] = []
    if (!(await this.#isSpare(next))) await keep(next, kept)
    await rm(next, { force: true })
    // 'wx' follows no link that was put there meanwhile.
    const file = await open(next, 'wx')
    try {
      for (const piece of text) await file.appendFile(piece)
      // Synced before it is renamed: after a power cut the name must not belong to half a file.
      await file.sync()
    } catch (error) {
      await rm(next, { force: true })
      throw error
    } finally {
      await file.close()
    }
    if (await this.#isOurs(this.#path)) {
      if (!(await this.#isSpare(previous))) await keep(previous, kept)
      await this.#move(this.#path, previous)
    } else await keep(this.#path, kept)
    await this.#move(next, this.#path)
    return kept
  }

  async #move(from: string, to: string): Promise<void> {
    const state = await stateOf(from)
    await rename(from, to).catch(ignoreAbsent)
    if (state !== undefined) this.#known.set(to, state)
  }

  /** The next and the previous file are ours if they begin so: reading a whole one takes long, and one may be cut off. */
  async #isSpare(path: string): Promise<boolean> {
    const state = await stateOf(path)
    return state === undefined || this.#known.get(path) === state || beginsAsOurs(path)
  }

  /** A file that is not there is in nobody's way. One that another process has written since is read once more. */
  async #isOurs(path: string): Promise<boolean> {
    const state = await stateOf(path)
    if (state === undefined || this.#known.get(path) === state) return true
    if ((await offer(path, isPatterns)) !== undefined) return false
    this.#known.set(path, state)
    return true
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

/** Changes whenever the file is written to, and stays when it is renamed. Undefined if there is none. */
async function stateOf(path: string): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(ignoreAbsent)
  return found && `${found.mode} ${found.ino} ${found.size} ${found.mtimeNs}`
}

/** Gives the file another name, which no file has. Rejects if it has none left: nothing that is not ours is removed. */
async function keep(path: string, kept: string[]): Promise<void> {
  const name = await freeName(path)
  if (name === undefined) throw new Error(full(path))
  await rename(path, name).catch(ignoreAbsent)
  kept.push(name)
}

async function freeName(path: string): Promise<string | undefined> {
  for (let n = 1; n <= MOST_KEPT; n++) {
    const name = `${path}.kept-${n}`
    if ((await stateOf(name)) === undefined) return name
  }
  return undefined
}

function full(path: string): string {
  return `${path} is not patterns, and ${path}.kept-1 to -${MOST_KEPT} are kept already: remove those that nobody needs`
}

function isPatterns(document: unknown): string | undefined {
  const isOurs = typeof document === 'object' && document !== null && 'kind' in document
  return isOurs && document.kind === 'forewarm-patterns' ? undefined : 'not patterns'
}

/** True also for a file that was cut off early. */
async function beginsAsOurs(path: string): Promise<boolean> {
  if (!(await lstat(path)).isFile()) return false
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read({ length: PATTERNS_BEGIN.length, position: 0 })
    return PATTERNS_BEGIN.startsWith(buffer.toString('utf8', 0, bytesRead))
  } finally {
    await file.close()
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}

async function offer(
  path: string,
  take: (document: unknown) => string | undefined,
): Promise<string | 'absent' | undefined> {
  let document: unknown
  try {
    if (!(await lstat(path)).isFile()) return 'it is not a file'
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent'
    return error instanceof Error ? error.message : String(error)
  }
  return take(document)
}
