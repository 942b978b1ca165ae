/**
 * What was mined, as it is asked for: a row a pair, of up to EDGES_PER_ROW edges, best first. Shared memory with one
 * writer, which makes a row's `turn` odd while it writes it: a reader that finds it odd, or another one after it has
 * copied the row, has seen half of each and takes nothing; the next update asks again.
 *
 * ```
 *   ┌────────────────┬────────────────┬──────────────────────┬────────────────────────────────┐
 *   │ mined to       │ turns          │ whole numbers        │ others                         │
 *   │ Float64 a pair │ Int32 a pair   │ 4 × Int32 an edge    │ 3 × Float32 an edge            │
 *   └────────────────┴────────────────┴──────────────────────┴────────────────────────────────┘
 * ```
 */
export const EDGES_PER_ROW = 8
/** Of ten thousand pairs that pay no heed to the leader, less than one comes to it by chance. */
export const SURE_Z = 4
const WHOLE = 4
const OTHERS = 3
const BYTES_A_ROW = 12 + EDGES_PER_ROW * (WHOLE + OTHERS) * 4

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
  readonly #minedTo: Float64Array<SharedArrayBuffer>
  readonly #turns: Int32Array<SharedArrayBuffer>
  readonly #whole: Int32Array<SharedArrayBuffer>
  readonly #others: Float32Array<SharedArrayBuffer>

  constructor(memory: EdgeMemory) {
    const { buffer, maxPairs } = memory
    this.memory = memory
    const edges = maxPairs * EDGES_PER_ROW
    this.#minedTo = new Float64Array(buffer, 0, maxPairs)
    this.#turns = new Int32Array(buffer, maxPairs * 8, maxPairs)
    this.#whole = new Int32Array(buffer, maxPairs * 12, edges * WHOLE)
    this.#others = new Float32Array(buffer, maxPairs * 12 + edges * WHOLE * 4, edges * OTHERS)
  }

  static of(maxPairs: number): EdgeRows {
    return new EdgeRows({ buffer: new SharedArrayBuffer(maxPairs * BYTES_A_ROW), maxPairs })
  }

  /** In place of what the row was; at most EDGES_PER_ROW are taken. */
  write(pairId: number, { edges, count, minedTo }: MinedRow): void {
    // Odd already where the writer before this one ended in the middle of the row.
    const turn = Atomics.load(this.#turns, pairId) | 1
    Atomics.store(this.#turns, pairId, turn)
    this.#minedTo[pairId] = minedTo
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const whole = (pairId * EDGES_PER_ROW + e) * WHOLE
      const edge = e < count ? edges[e] : undefined
      this.#whole[whole] = edge === undefined ? 0 : edge.event + 1
      if (edge === undefined) continue
      this.#whole[whole + 1] = Math.round(edge.hits)
      this.#whole[whole + 2] = Math.round(edge.trials)
      this.#whole[whole + 3] = edge.lastSlice
      const others = (pairId * EDGES_PER_ROW + e) * OTHERS
      this.#others[others] = edge.lagMs
      this.#others[others + 1] = edge.lift
      this.#others[others + 2] = edge.z
    }
    Atomics.store(this.#turns, pairId, turn + 1)
  }

  /** Such pairs have no row, and are in nobody's. */
  forget(isForgotten: (pairId: number) => boolean): void {
    const row = emptyRow()
    for (let pairId = 0; pairId < this.memory.maxPairs; pairId++) {
      const count = this.read(pairId, row)
      const edges = isForgotten(pairId) ? [] : row.slice(0, count).filter(({ event }) => !isForgotten(event >> 1))
      const minedTo = this.#minedTo[pairId] as number
      if (edges.length < count) this.write(pairId, { edges, count: edges.length, minedTo })
    }
  }

  /** Copies a pair's row into `into`, which has room for all of it; how many edges. 0 also where the row is being written. */
  read(pairId: number, into: readonly MinedEdge[]): number {
    if (pairId >= this.memory.maxPairs) return 0
    const turn = Atomics.load(this.#turns, pairId)
    if (turn === 0 || turn % 2 !== 0) return 0
    const minedTo = this.#minedTo[pairId] as number
    let count = 0
    for (let e = 0; e < EDGES_PER_ROW; e++) {
      const whole = (pairId * EDGES_PER_ROW + e) * WHOLE
      const event = (this.#whole[whole] as number) - 1
      const edge = into[count]
      if (event < 0 || edge === undefined) break
      const others = (pairId * EDGES_PER_ROW + e) * OTHERS
      edge.event = event
      edge.hits = this.#whole[whole + 1] as number
      edge.trials = this.#whole[whole + 2] as number
      edge.lastSlice = this.#whole[whole + 3] as number
      edge.lagMs = this.#others[others] as number
      edge.lift = this.#others[others + 1] as number
      edge.z = this.#others[others + 2] as number
      edge.minedTo = minedTo
      count++
    }
    return Atomics.load(this.#turns, pairId) === turn ? count : 0
  }
}

export function emptyRow(): MinedEdge[] {
  return Array.from({ length: EDGES_PER_ROW }, () => ({
    ...{ event: 0, hits: 0, trials: 0, lastSlice: 0 },
    ...{ lagMs: 0, lift: 0, z: 0, minedTo: 0 },
  }))
}
