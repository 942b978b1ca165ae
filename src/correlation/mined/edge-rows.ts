import { PIECE_COST, type Pieces } from './pieces.ts'

/**
 * What was mined, as it is asked for: a row a pair, of up to EDGES_PER_ROW edges, best first. Shared memory with one
 * writer, which makes a row's `turn` odd while it writes it: a reader that finds it odd, or another one after it has
 * copied the row, has seen half of each and takes nothing; the next update asks again.
 *
 * Every word is stored and loaded by Atomics: else a processor may show one before the odd turn, or after the even one.
 *
 * ```
 *   ┌────────────────┬──────────────────┬─────────────────────────────────────────────────────────────────┐
 *   │ turns          │ mined to         │ edges: event + 1, hits, trials, last slice, lag, lift, z        │
 *   │ Int32 a pair   │ 2 × Int32 a pair │ 7 × Int32 an edge, the last three being the bits of Float32     │
 *   └────────────────┴──────────────────┴─────────────────────────────────────────────────────────────────┘
 * ```
 */
export const EDGES_PER_ROW = 8
/** Of ten thousand pairs that pay no heed to the leader, less than one comes to it by chance. */
export const SURE_Z = 4
const WORDS_AN_EDGE = 7
const WORDS_A_ROW = 3 + EDGES_PER_ROW * WORDS_AN_EDGE
const TWO_32 = 2 ** 32
/** Looked at in the time of a piece. */
const ROWS_A_PIECE = 1_024

/** After `trials` updates of the leader, `hits` times an event of the follower. */
export interface MinedEdge {
  /** The follower's: the pair's id × 2, + 1 for a read that missed. */
  event: number
  hits: number
  trials: number
  /** The slice in which it was last seen to follow. */
  lastSlice: number
  lagMs: number
  /** `hits` ÷ what they would be if the follower paid no heed to the leader. */
  lift: number
  z: number
  /** How many entries the log had when the edge was mined: it is of the pairs that had their places then. */
  minedTo: number
}

/** To be written: the first `count` of `edges`. */
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

  /** In place of what the row was; at most EDGES_PER_ROW are taken. */
  write(pairId: number, { edges, count, minedTo }: MinedRow): void {
    const words = this.#words
    // Odd already where the writer before this one ended in the middle of the row.
    const turn = Atomics.load(words, pairId) | 1
    Atomics.store(words, pairId, turn)
    this.#storeMinedTo(pairId, minedTo)
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const at = this.#edgesAt + (pairId * EDGES_PER_ROW + e) * WORDS_AN_EDGE
      const edge = e < count ? edges[e] : undefined
      Atomics.store(words, at, edge === undefined ? 0 : edge.event + 1)
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

  /** Such pairs have no row, and are in nobody's. */
  *forget(isForgotten: (pairId: number) => boolean): Pieces<void> {
    const row = emptyRow()
    for (let pairId = 0; pairId < this.memory.maxPairs; pairId++) {
      const count = this.read(pairId, row)
      const edges = isForgotten(pairId) ? [] : row.slice(0, count).filter(({ event }) => !isForgotten(event >> 1))
      const minedTo = this.#loadMinedTo(pairId)
      if (edges.length < count) this.write(pairId, { edges, count: edges.length, minedTo })
      if (pairId % ROWS_A_PIECE === ROWS_A_PIECE - 1) yield PIECE_COST
    }
  }

  /** Copies a pair's row into `into`, which has room for all of it; how many edges. 0 also where the row is being written. */
  read(pairId: number, into: readonly MinedEdge[]): number {
    if (pairId >= this.memory.maxPairs) return 0
    const words = this.#words
    const turn = Atomics.load(words, pairId)
    if (turn === 0 || turn % 2 !== 0) return 0
    const minedTo = this.#loadMinedTo(pairId)
    let count = 0
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const at = this.#edgesAt + (pairId * EDGES_PER_ROW + e) * WORDS_AN_EDGE
      const event = Atomics.load(words, at) - 1
      const edge = into[count]
      if (event < 0 || edge === undefined) break
      edge.event = event
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
    ...{ event: 0, hits: 0, trials: 0, lastSlice: 0 },
    ...{ lagMs: 0, lift: 0, z: 0, minedTo: 0 },
  }))
}
