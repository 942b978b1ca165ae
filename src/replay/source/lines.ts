import { isUtf8 } from 'node:buffer'
import { constants, createReadStream, openSync, type ReadStream, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ReplayError } from '../replay-error.ts'

export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly text: string
  /** Those of the text, not copied: they hold a piece of the file in memory. */
  readonly bytes: Buffer
  /** If not, the text has replacements for the wrong bytes: different names could become one. */
  readonly isUtf8: boolean
  /** Whether a line end follows; the last line of a truncated file has none. */
  readonly ended: boolean
}

/** The longest line that is read; a record's value is at most a tenth of it. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\ufeff'
const BYTE_ORDER_BYTES = 3

/** Decoding puts this in place of bytes that are not UTF-8. It may be in the file too. */
const REPLACEMENT = '\ufffd'

/**
 * Reads the lines of a text file, in lists as they come off the disk; unpacked if the name ends in .gz. A gzip stream that
 * ends early gives the lines that it has, then fails with `corrupt-recording`.
 */
export class LineFile {
  readonly path: string
  #file: ReadStream | Socket | undefined
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
    const stats = await found(this.path)
    this.#size = stats.size
    const file = stats.isFIFO() ? openPipe(this.path) : createReadStream(this.path, { highWaterMark: CHUNK_BYTES })
    this.#file = file
    yield* linesOf(this.path.endsWith('.gz') ? unpacked(file) : file, this.path, signal)
  }
}

/** To open a pipe that nobody writes to would hold a thread, and the end of the process, until somebody does. */
function openPipe(path: string): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/** As LineFile, for a stream of bytes; errors call it `name`. */
export async function* linesOf(bytes: Readable, name: string, signal?: AbortSignal): AsyncGenerator<readonly Line[]> {
  let number = 0
  // Pieces of the line that has not ended yet. They are joined once: to join at each piece takes minutes for a long line.
  let pieces: Buffer[] = []
  let pieceBytes = 0
  const stop = () => bytes.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      signal?.throwIfAborted()
      const lines: Line[] = []
      let from = 0
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        const last = chunk.subarray(from, end)
        lines.push(lineOf(pieces.length === 0 ? last : Buffer.concat([...pieces, last]), ++number, true))
        pieces = []
        pieceBytes = 0
        from = end + 1
      }
      pieces.push(chunk.subarray(from))
      pieceBytes += chunk.length - from
      if (pieceBytes > MAX_LINE_BYTES)
        throw new ReplayError('corrupt-recording', `${name}: line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes`)
      if (lines.length > 0) yield lines
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof ReplayError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReplayError('corrupt-recording', `${name} cannot be read after line ${number}: ${reason}`, cause)
  } finally {
    signal?.removeEventListener('abort', stop)
    bytes.destroy()
  }
  if (pieceBytes > 0) yield [lineOf(Buffer.concat(pieces), ++number, false)]
}

/** A byte order mark before the first line does not belong to its text. */
function lineOf(bytes: Buffer, number: number, ended: boolean): Line {
  const decoded = bytes.toString('utf8')
  const isUtf8Text = !decoded.includes(REPLACEMENT) || isUtf8(bytes)
  if (number > 1 || !decoded.startsWith(BYTE_ORDER_MARK))
    return { number, text: decoded, bytes, isUtf8: isUtf8Text, ended }
  return { number, text: decoded.slice(1), bytes: bytes.subarray(BYTE_ORDER_BYTES), isUtf8: isUtf8Text, ended }
}

function unpacked(file: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  file.on('error', (cause) => gunzip.destroy(cause))
  gunzip.on('close', () => file.destroy())
  return file.pipe(gunzip)
}

/** Rejects with `no-such-file`. */
export async function found(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    throw new ReplayError('no-such-file', `${path} cannot be read: no such file, or no right to it`, cause)
  }
}
