import { MalformedAnswer } from './reader.ts'

const SIZE_BYTES = 4
/** The largest answer that is accepted. A fetch asks for a few megabytes, but brings at least one batch of any size. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024
const CORRELATION_ID_BYTES = 4
const ROUNDED_FROM = 64 * 1024
/** Memory of larger answers is left to the garbage collector. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024
/** They are looked through for each answer. */
const MAX_SPARE = 8
/** A small answer does not take the memory of a large one. */
const MAX_WASTE = 4

/** Cuts a socket's bytes into answers. Nothing of what it takes is kept: each answer is copied into memory of its own. */
export class FrameAssembler {
  readonly #onFrame: (frame: Buffer) => void
  readonly #spare = new SpareFrames()
  readonly #size = Buffer.alloc(SIZE_BYTES)
  #sizeBytes = 0
  #frame: Buffer | undefined
  #frameBytes = 0

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  /** Throws a MalformedAnswer for a size that cannot be: no answer after it can be found. */
  take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#frame !== undefined) at = this.#fill(this.#frame, chunk, at)
      else if (this.#sizeBytes === 0 && chunk.length - at >= SIZE_BYTES)
        at = this.#begin(chunk, at + SIZE_BYTES, sizeAt(chunk, at))
      else at = this.#takeSize(chunk, at)
    }
  }

  /** Nobody reads this answer any more: its memory is for another one. */
  free(frame: ArrayBufferLike): void {
    this.#spare.give(frame)
  }

  #takeSize(chunk: Buffer, at: number): number {
    this.#size[this.#sizeBytes++] = chunk[at] as number
    if (this.#sizeBytes < SIZE_BYTES) return at + 1
    this.#sizeBytes = 0
    return this.#begin(chunk, at + 1, sizeAt(this.#size, 0))
  }

  #begin(chunk: Buffer, at: number, size: number): number {
    const frame = this.#spare.take(size)
    this.#frameBytes = 0
    this.#frame = frame
    return this.#fill(frame, chunk, at)
  }

  #fill(frame: Buffer, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + frame.length - this.#frameBytes)
    chunk.copy(frame, this.#frameBytes, at, end)
    this.#frameBytes += end - at
    if (this.#frameBytes === frame.length) {
      this.#frame = undefined
      this.#onFrame(frame)
    }
    return end
  }
}

/** Memory of answers that were handled. A catch-up makes none for its answers then, and none is collected. */
class SpareFrames {
  readonly #spare: ArrayBufferLike[] = []
  #bytes = 0

  take(size: number): Buffer {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= size && byteLength <= MAX_WASTE * size)
    const [found] = at < 0 ? [] : this.#spare.splice(at, 1)
    if (found === undefined) return Buffer.allocUnsafeSlow(size < ROUNDED_FROM ? size : rounded(size)).subarray(0, size)
    this.#bytes -= found.byteLength
    return Buffer.from(found, 0, size)
  }

  give(frame: ArrayBufferLike): void {
    if (this.#bytes + frame.byteLength > MAX_SPARE_BYTES) return
    this.#spare.push(frame)
    this.#bytes += frame.byteLength
    // The oldest has a size that was not asked for since.
    if (this.#spare.length > MAX_SPARE) this.#bytes -= this.#spare.shift()?.byteLength ?? 0
  }
}

/** Answers differ by some bytes: memory of whole steps fits the next one. */
function rounded(size: number): number {
  return Math.ceil(size / ROUNDED_FROM) * ROUNDED_FROM
}

function sizeAt(bytes: Buffer, at: number): number {
  const size = bytes.readInt32BE(at)
  if (size < CORRELATION_ID_BYTES || size > MAX_FRAME_BYTES) throw new MalformedAnswer(`an answer of ${size} bytes`, at)
  return size
}
