import { PIECE_COST, type Pieces } from './pieces.ts'

/**
 * The mined edges, ready to be looked up: a row a pair, of up to EDGES_PER_ROW edges, best first. They stand in shared
 * memory with one writer, which keeps a row's `turn` odd while it writes the row. A reader that finds an odd turn, or
 * another turn after it has copied the row, may have seen half of each row. It takes nothing; the next update asks again.
 *
 * Atomics store and load every word: otherwise a processor may show one before the odd turn, or after the even one.
 *
 * ```
 *   ┌────────────────┬──────────────────┬─────────────────────────────────────────────────────────────────┐
 *   │ turns          │ mined to         │ edges: mark + 1, hits, trials, last slice, lag, lift, z         │
 *   │ Int32 a pair   │ 2 × Int32 a pair │ 7 × Int32 an edge, the last three being the bits of Float32     │
 *   └────────────────┴──────────────────┴─────────────────────────────────────────────────────────────────┘
 * ```
 */
export const EDGES_PER_ROW = 8
/** Among ten thousand pairs that have nothing to do with the leader, less than one reaches this z by chance. */
export const SURE_Z = 4
const WORDS_AN_EDGE = 7
const WORDS_A_ROW = 3 + EDGES_PER_ROW * WORDS_AN_EDGE
const TWO_32 = 2 ** 32
/** Rows that are looked at in the time of a piece. */
const ROWS_A_PIECE = 1_024

/** The follower had a mark after `hits` of `trials` updates of the leader. */
export interface MinedEdge {
  /** The follower's mark: its pair's id × 2, + 1 for a read that missed. */
  mark: number
  hits: number
  trials: number
  /** The slice in which the follower last followed. */
  lastSlice: number
  lagMs: number
  /** `hits` ÷ the hits that chance would bring. */
  lift: number
  z: number
  /** How many entries the log had when the edge was mined: the edge is between the pairs that had these places then. */
  minedTo: number
}

/** A row to be written: the first `count` of `edges`. */
export interface MinedRow {
  readonly edges: readonly Readonly<Omit<MinedEdge, 'minedTo'>>[]
  readonly count: number
  readonly minedTo: number
}

export interface EdgeMemory {
  readonly buffer: SharedArrayBuffer
  readonly maxPairs: number
}

export class EdgeRows {
  readonly memory: EdgeMemory
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #edgesAt: number

  constructor(memory: EdgeMemory) {
    this.memory = memory
    this.#words = new Int32Array(memory.buffer)
    this.#edgesAt = memory.maxPairs * 3
  }

  static of(maxPairs: number): EdgeRows {
    return new EdgeRows({ buffer: new SharedArrayBuffer(maxPairs * WORDS_A_ROW * 4), maxPairs })
  }

  /** Replaces the pair's row; takes at most EDGES_PER_ROW edges. */
  write(pairId: number, { edges, count, minedTo }: MinedRow): void {
    const words = this.#words
    // It is odd already if an earlier writer ended in the middle of the row.
    const turn = Atomics.load(words, pairId) | 1
    Atomics.store(words, pairId, turn)
    this.#storeMinedTo(pairId, minedTo)
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const at = this.#edgesAt + (pairId * EDGES_PER_ROW + e) * WORDS_AN_EDGE
      const edge = e < count ? edges[e] : undefined
      Atomics.store(words, at, edge === undefined ? 0 : edge.mark + 1)
      if (edge === undefined) continue
      Atomics.store(words, at + 1, Math.round(edge.hits))
      Atomics.store(words, at + 2, Math.round(edge.trials))
      Atomics.store(words, at + 3, edge.lastSlice)
      Atomics.store(words, at + 4, bitsOf(edge.lagMs))
      Atomics.store(words, at + 5, bitsOf(edge.lift))
      Atomics.store(words, at + 6, bitsOf(edge.z))
    }
    Atomics.store(words, pairId, turn + 1)
  }

  /** Removes the rows of forgotten pairs, and the edges to them. */
  *forget(isForgotten: (pairId: number) => boolean): Pieces<void> {
    const row = emptyRow()
    for (let pairId = 0; pairId < this.memory.maxPairs; pairId++) {
      const count = this.read(pairId, row)
      const edges = isForgotten(pairId) ? [] : row.slice(0, count).filter(({ mark }) => !isForgotten(mark >> 1))
      const minedTo = this.#loadMinedTo(pairId)
      if (edges.length < count) this.write(pairId, { edges, count: edges.length, minedTo })
      if (pairId % ROWS_A_PIECE === ROWS_A_PIECE - 1) yield PIECE_COST
    }
  }

  /** Copies the row into `into`, which has room for it. Returns the number of edges, 0 while the row is being written. */
  read(pairId: number, into: readonly MinedEdge[]): number {
    if (pairId >= this.memory.maxPairs) return 0
    const words = this.#words
    const turn = Atomics.load(words, pairId)
    if (turn === 0 || turn % 2 !== 0) return 0
    const minedTo = this.#loadMinedTo(pairId)
    let count = 0
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const at = this.#edgesAt + (pairId * EDGES_PER_ROW + e) * WORDS_AN_EDGE
      const mark = Atomics.load(words, at) - 1
      const edge = into[count]
      if (mark < 0 || edge === undefined) break
      edge.mark = mark
      edge.hits = Atomics.load(words, at + 1)
      edge.trials = Atomics.load(words, at + 2)
      edge.lastSlice = Atomics.load(words, at + 3)
      edge.lagMs = floatOf(Atomics.load(words, at + 4))
      edge.lift = floatOf(Atomics.load(words, at + 5))
      edge.z = floatOf(Atomics.load(words, at + 6))
      edge.minedTo = minedTo
      count++
    }
    return Atomics.load(words, pairId) === turn ? count : 0
  }

  #storeMinedTo(pairId: number, minedTo: number): void {
    const at = this.memory.maxPairs + pairId * 2
    Atomics.store(this.#words, at, minedTo | 0)
    Atomics.store(this.#words, at + 1, Math.floor(minedTo / TWO_32))
  }

  #loadMinedTo(pairId: number): number {
    const at = this.memory.maxPairs + pairId * 2
    return (Atomics.load(this.#words, at) >>> 0) + Atomics.load(this.#words, at + 1) * TWO_32
  }
}

const FLOAT = new Float32Array(1)
const BITS = new Int32Array(FLOAT.buffer)

function bitsOf(float: number): number {
  FLOAT[0] = float
  return BITS[0] as number
}

function floatOf(bits: number): number {
  BITS[0] = bits
  return FLOAT[0] as number
}

export function emptyRow(): MinedEdge[] {
  return Array.from({ length: EDGES_PER_ROW }, () => ({
    ...{ mark: 0, hits: 0, trials: 0, lastSlice: 0 },
    ...{ lagMs: 0, lift: 0, z: 0, minedTo: 0 },
  }))
}
