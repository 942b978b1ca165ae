/**
 * How many reads of L1 other threads have made. Each thread that opens L1 takes the next line, so that threads do not
 * wait for each other's counts. With more threads than lines, several share one: `Atomics.add` loses no count then.
 *
 * ```
 * u32  0      next line         1..15  unused
 *      16 × i hits, low         + 1    hits, high         + 2    misses, low        + 3    misses, high      i = 1..64
 * ```
 */
const LINES = 64
const WORDS_A_LINE = 16
const LAST_OF_LOW = 0xffff_ffff
const HIGH = 2 ** 32
/** The words of the two counts in a line. */
const [HITS, MISSES] = [0, 2]

export function threadReadsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((LINES + 1) * WORDS_A_LINE * Uint32Array.BYTES_PER_ELEMENT)
}

/** One thread's counts. */
export class ThreadReads {
  readonly #words: Uint32Array<SharedArrayBuffer>
  readonly #line: number

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Uint32Array(memory)
    this.#line = (1 + (Atomics.add(this.#words, 0, 1) % LINES)) * WORDS_A_LINE
  }

  hit(): void {
    this.#add(HITS)
  }

  miss(): void {
    this.#add(MISSES)
  }

  #add(count: number): void {
    const at = this.#line + count
    if (Atomics.add(this.#words, at, 1) === LAST_OF_LOW) Atomics.add(this.#words, at + 1, 1)
  }
}

/** The sums over all threads until now. */
export function threadReads(memory: SharedArrayBuffer): { readonly hits: number; readonly misses: number } {
  const words = new Uint32Array(memory)
  return { hits: sum(words, HITS), misses: sum(words, MISSES) }
}

function sum(words: Uint32Array<SharedArrayBuffer>, count: number): number {
  let total = 0
  for (let line = 1; line <= LINES; line++) {
    const at = line * WORDS_A_LINE + count
    total += Atomics.load(words, at + 1) * HIGH + Atomics.load(words, at)
  }
  return total
}
