import { type LogLinear, logLinear } from './log-linear.ts'
import type { Counter, Gauge, Histogram } from './slab.ts'

const CELLS_A_CHUNK = 512

/** The cells of counters and gauges, side by side. Chunks are never moved, because handed-out cells refer to them. */
export class CellSlab {
  #chunk = new Float64Array(CELLS_A_CHUNK)
  #used = 0

  cell(initial: number): NumberCell {
    if (this.#used === this.#chunk.length) {
      this.#chunk = new Float64Array(CELLS_A_CHUNK)
      this.#used = 0
    }
    this.#chunk[this.#used] = initial
    return new NumberCell(this.#chunk, this.#used++)
  }
}

export class NumberCell implements Counter, Gauge {
  readonly #cells: Float64Array
  readonly #index: number

  constructor(cells: Float64Array, index: number) {
    this.#cells = cells
    this.#index = index
  }

  add(n: number): void {
    this.#cells[this.#index] = (this.#cells[this.#index] as number) + n
  }

  set(value: number): void {
    this.#cells[this.#index] = value
  }

  get value(): number {
    return this.#cells[this.#index] as number
  }
}

/** A value below 0 counts as 0, as the clocks of two machines differ. A value that is not finite is not recorded. */
export class HistogramCell implements Histogram {
  readonly #shape: LogLinear
  readonly #counts: Float64Array
  #sum = 0

  constructor(shape: LogLinear) {
    this.#shape = shape
    this.#counts = new Float64Array(shape.edges.length)
  }

  record(value: number): void {
    if (!(value < Number.POSITIVE_INFINITY)) return
    const positive = Math.max(value, 0)
    const bucket = this.#shape.bucketOf(positive)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += positive
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0)
  }

  get sum(): number {
    return this.#sum
  }

  quantile(q: number): number | undefined {
    const rank = q * this.count
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return this.#middle(bucket)
    }
    return undefined
  }

  /** Records in each exposed bucket; the last bucket holds what lies above all bounds. */
  fold(): number[] {
    const folded: number[] = []
    let from = 0
    for (const edge of [...this.#shape.boundEdges, this.#counts.length - 1]) {
      let total = 0
      for (let bucket = from; bucket <= edge; bucket++) total += this.#counts[bucket] as number
      folded.push(total)
      from = edge + 1
    }
    return folded
  }

  #middle(bucket: number): number {
    const { edges } = this.#shape
    const upper = edges[bucket] as number
    const lower = bucket === 0 ? 0 : (edges[bucket - 1] as number)
    return upper === Number.POSITIVE_INFINITY ? lower : (lower + upper) / 2
  }
}

const shapes = new WeakMap<readonly number[], LogLinear>()

/** Instruments with the same bounds share a shape, because it never changes. */
export function shapeOf(bounds: readonly number[]): LogLinear {
  let shape = shapes.get(bounds)
  if (shape === undefined) {
    shape = logLinear(bounds)
    shapes.set(bounds, shape)
  }
  return shape
}
