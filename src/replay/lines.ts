import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ReplayError } from './replay-error.ts'

export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly text: string
  /** Whether a line end followed: the last line of a truncated file has none. */
  readonly ended: boolean
}

/** Longest line that is read; a record's value is at most a tenth of it. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\ufeff'

/**
 * The lines of a text file, in lists as they come off the disk; unpacked where the name ends in .gz. A gzip stream
 * that ends early gives the lines that it has, then fails with `corrupt-recording`.
 */
export class LineFile {
  readonly path: string
  #file: ReadStream | undefined
  #size = 0

  constructor(path: string) {
    this.path = path
  }

  /** How much of the file has been read, 0 to 1. */
  get fraction(): number {
    return this.#size === 0 ? 1 : Math.min(1, (this.#file?.bytesRead ?? 0) / this.#size)
  }

  /** Rejects with `no-such-file`, and with the signal's reason when it is aborted. */
  async *read(signal?: AbortSignal): AsyncGenerator<readonly Line[]> {
    this.#size = await sizeOf(this.path)
    const file = createReadStream(this.path, { highWaterMark: CHUNK_BYTES })
    this.#file = file
    yield* linesOf(this.path.endsWith('.gz') ? unpacked(file) : file, this.path, signal)
  }
}

/** As above, for a stream of bytes; `name` is what errors call it. */
export async function* linesOf(bytes: Readable, name: string, signal?: AbortSignal): AsyncGenerator<readonly Line[]> {
  let number = 0
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      signal?.throwIfAborted()
      const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const lines: Line[] = []
      let from = 0
      for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, from)) {
        lines.push(lineOf(text.subarray(from, end), ++number, true))
        from = end + 1
      }
      rest = text.subarray(from)
      if (rest.length > MAX_LINE_BYTES)
        throw new ReplayError('corrupt-recording', `${name}: line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes`)
      if (lines.length > 0) yield lines
    }
  } catch (cause) {
    if (cause instanceof ReplayError || signal?.aborted === true) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReplayError('corrupt-recording', `${name} cannot be read after line ${number}: ${reason}`, cause)
  } finally {
    bytes.destroy()
  }
  if (rest.length > 0) yield [lineOf(rest, ++number, false)]
}

/** A mark of the byte order before the first line is none of its text. */
function lineOf(bytes: Buffer, number: number, ended: boolean): Line {
  const text = bytes.toString('utf8')
  return { number, text: number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, ended }
}

function unpacked(file: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  file.on('error', (cause) => gunzip.destroy(cause))
  gunzip.on('close', () => file.destroy())
  return file.pipe(gunzip)
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (cause) {
    throw new ReplayError('no-such-file', `${path} cannot be read: no such file, or no right to it`, cause)
  }
}
