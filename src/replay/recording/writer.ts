import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { headerLine, type RecordingHeader, recordLine, trailerLine } from './line.ts'
import { assertMayWriteFile } from './new-file.ts'
import { partialPathOf } from './partial.ts'

/** Lines go to the stream in pieces of about this size. */
const PIECE_CHARS = 128 * 1024

interface Place {
  readonly path: string
  readonly replace: boolean
}

/**
 * Writes a recording beside its final place and moves it there when it is whole, so that the file is never seen half
 * written. Packed if the name ends in .gz.
 */
export class RecordingWriter {
  readonly path: string
  readonly #partialPath: string
  readonly #replace: boolean
  readonly #file: WriteStream
  readonly #out: Writable
  readonly #hash: Hash = createHash('sha256')
  #pending = ''
  #records = 0
  #failure: unknown
  #isLeft = false

  private constructor({ path, replace }: Place, file: WriteStream, out: Writable) {
    this.path = path
    this.#replace = replace
    this.#partialPath = String(file.path)
    this.#file = file
    this.#out = out
    out.on('error', (cause) => {
      this.#failure ??= cause
    })
    // Whoever waits for room in `out` must be told too.
    if (out !== file) file.on('error', (cause) => out.destroy(cause))
  }

  /** Rejects with `file-exists` if there is a file and `replace` is false. */
  static async create(path: string, header: RecordingHeader, replace: boolean): Promise<RecordingWriter> {
    assertMayWriteFile(path, replace)
    const file = createWriteStream(partialPathOf(path))
    try {
      await once(file, 'open')
    } catch (cause) {
      throw new ReplayError('not-writable', `${path} cannot be written: ${(cause as Error).message}`, cause)
    }
    const out = path.endsWith('.gz') ? createGzip() : file
    if (out !== file) out.pipe(file)
    const writer = new RecordingWriter({ path, replace }, file, out)
    writer.#pending = `${headerLine(header)}\n`
    return writer
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#file.bytesWritten
  }

  async write(records: readonly ReplayRecord[]): Promise<void> {
    for (const record of records) {
      this.#pending += `${recordLine(record)}\n`
      this.#records++
    }
    if (this.#pending.length >= PIECE_CHARS) await this.#flush()
  }

  /** Resolves when the recording is whole and has its name. */
  async finish(stateHash: string): Promise<void> {
    await this.#flush()
    const sha256 = this.#hash.digest('hex')
    this.#out.end(`${trailerLine({ records: this.#records, sha256, stateHash })}\n`)
    await finished(this.#file)
    this.#check()
    await synced(this.#partialPath)
    await this.#takeName()
  }

  /** A file that somebody put there meanwhile is not replaced. The recording is then left under its other name. */
  async #takeName(): Promise<void> {
    if (this.#replace) return rename(this.#partialPath, this.path)
    try {
      await link(this.#partialPath, this.path)
    } catch (error) {
      // Some file systems have no hard links.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return rename(this.#partialPath, this.path)
      this.#isLeft = true
      const message = `${this.path} was made meanwhile: the recording is left in ${this.#partialPath}`
      throw new ReplayError('file-exists', message, error)
    }
    await rm(this.#partialPath)
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    this.#out.destroy()
    this.#file.destroy()
    if (!this.#isLeft) await rm(this.#partialPath, { force: true })
  }

  async #flush(): Promise<void> {
    this.#check()
    const piece = this.#pending
    this.#pending = ''
    this.#hash.update(piece)
    if (!this.#out.write(piece)) await once(this.#out, 'drain')
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** Puts the bytes on the disk, before the file gets its name. */
async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync()
  await file.close()
}
