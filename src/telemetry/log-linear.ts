/**
 * The buckets of a histogram. Each octave has eight cells, and a value's cell follows from the bits of the number,
 * without a search. A cell that holds an exposed bound is cut there, so the counts folded to the bounds are exact.
 *
 *     octave     1 ──────────────── 2 ──────────────────────── 4        IEEE 754: exponent = octave,
 *     cells      |1.125|1.25| … |1.875| 2.25 | 2.5 | … | 3.75 |         top three bits of the mantissa = cell
 *     bound 2.3                         └──┬──┘ becomes 2.25–2.3 and 2.3–2.5
 *
 * Bucket i holds the values above edges[i − 1] up to and including edges[i]; the last edge is infinite. The width of a
 * cell is at most an eighth of its lower end, so its middle is at most 6.25 % off.
 */
export interface LogLinear {
  readonly edges: Float64Array
  /** The index of each exposed bound among the edges. */
  readonly boundEdges: readonly number[]
  bucketOf(value: number): number
}

const MANTISSA_BITS_IN_HIGH_WORD = 20
const CELL_BITS = 3
const CELLS_PER_OCTAVE = 1 << CELL_BITS
const SHIFT = MANTISSA_BITS_IN_HIGH_WORD - CELL_BITS

/** Quantiles tell values apart this far below the lowest and above the highest bound. */
const MARGIN_OCTAVES = 4

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

function cellKey(value: number): number {
  number[0] = value
  return (words[HIGH_WORD] as number) >>> SHIFT
}

/** `bounds` must ascend and be above 0. */
export function logLinear(bounds: readonly number[]): LogLinear {
  const lowest = 2 ** (Math.floor(Math.log2(bounds[0] ?? 1)) - MARGIN_OCTAVES)
  const highest = 2 ** (Math.ceil(Math.log2(bounds.at(-1) ?? 1)) + MARGIN_OCTAVES)
  const firstKey = cellKey(lowest)
  const cells = cellKey(highest) - firstKey + 1
  const lowerEnds = Array.from({ length: cells }, (_, cell) => lowerEndOf(lowest, cell))
  const edges = Float64Array.from([...new Set([...lowerEnds, ...bounds, Number.POSITIVE_INFINITY])]).sort()
  // A value on the lower end of its cell belongs to the bucket that ends there.
  const firstBucket = Int32Array.from(lowerEnds, (end) => edges.indexOf(end))
  return {
    edges,
    boundEdges: bounds.map((bound) => edges.indexOf(bound)),
    bucketOf(value) {
      let cell = cellKey(value) - firstKey
      if (value < lowest) cell = 0
      else if (cell >= cells) cell = cells - 1
      let bucket = firstBucket[cell] as number
      while (value > (edges[bucket] as number)) bucket++
      return bucket
    },
  }
}

function lowerEndOf(lowest: number, cell: number): number {
  const octave = lowest * 2 ** Math.floor(cell / CELLS_PER_OCTAVE)
  return octave * (1 + (cell % CELLS_PER_OCTAVE) / CELLS_PER_OCTAVE)
}
