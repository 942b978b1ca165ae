/** Units of equal weight that the same readers may get. Each list has an entry for each reader. */
export interface Kind {
  readonly units: number
  /** Partitions of one unit. */
  readonly weight: number
  /** How many of the units each reader holds. */
  readonly held: readonly number[]
}

/** A reader gets its base, and may get one more. */
interface Share extends Kind {
  readonly bases: readonly number[]
  /** How many readers get one more. */
  readonly extras: number
  /** Which readers get one more. */
  readonly hasExtra: boolean[]
}

/** Sums of fractions may be less than whole by so much. */
const ROUNDING = 1e-9

/**
 * How many units of each kind each reader is to have:
 *
 * - Each gets as many of a kind as the others, or one more. Those that have fewer partitions elsewhere (`loads`) get more.
 * - The partitions that two readers get of all kinds together differ by a unit at most.
 * - Within these bounds a reader keeps what it holds: it gives up to newcomers alone.
 *
 * `loads` goes on counting.
 */
export function quotasOf(kinds: readonly Kind[], loads: number[]): readonly (readonly number[])[] {
  const total = kinds.reduce((sum, { units, weight }) => sum + units * weight, 0)
  const level = levelOf(loads, total)
  const gaps = loads.map((load) => Math.max(0, level - load))
  const shares = kinds.map((kind): Share => {
    const bases = gaps.map((gap) => Math.floor((kind.units * gap) / total + ROUNDING))
    const extras = kind.units - bases.reduce((sum, base) => sum + base, 0)
    // Whoever holds more keeps it, until more readers do than there are extras.
    const hasExtra = gaps.map((gap, reader) => gap > 0 && (kind.held[reader] ?? 0) > (bases[reader] ?? 0))
    return { ...kind, bases, extras, hasExtra }
  })
  for (const { bases, hasExtra, weight } of shares)
    for (const [reader, base] of bases.entries()) add(loads, reader, weight * (base + (hasExtra[reader] ? 1 : 0)))
  const heaviestFirst = shares.toSorted((a, b) => b.weight - a.weight)
  for (const share of heaviestFirst) withdraw(share, loads)
  for (const share of heaviestFirst) giveOut(share, loads, gaps)
  while (isEvened(heaviestFirst, loads, gaps));
  return shares.map(({ bases, hasExtra }) => bases.map((base, reader) => base + (hasExtra[reader] ? 1 : 0)))
}

/** The load that all readers come to who get something, if `total` is poured over their loads like water. */
function levelOf(loads: readonly number[], total: number): number {
  let [sum, level] = [total, Number.POSITIVE_INFINITY]
  for (const [at, load] of loads.toSorted((a, b) => a - b).entries()) {
    if (load >= level) break
    sum += load
    level = sum / (at + 1)
  }
  return level
}

function withdraw({ extras, hasExtra, weight }: Share, loads: number[]): void {
  const holders = [...hasExtra.keys()].filter((reader) => hasExtra[reader]).sort(byLoad(loads))
  for (const reader of holders.slice(extras)) {
    hasExtra[reader] = false
    add(loads, reader, -weight)
  }
}

function giveOut({ extras, hasExtra, weight }: Share, loads: number[], gaps: readonly number[]): void {
  const others = [...gaps.keys()].filter((reader) => !hasExtra[reader] && (gaps[reader] ?? 0) > 0).sort(byLoad(loads))
  for (const reader of others.slice(0, extras - hasExtra.filter(Boolean).length)) {
    hasExtra[reader] = true
    add(loads, reader, weight)
  }
}

/** Takes an extra from a reader for one that has fewer partitions by more than a unit; false if there are no such two. */
function isEvened(shares: readonly Share[], loads: number[], gaps: readonly number[]): boolean {
  const readers = [...loads.keys()].filter((reader) => (gaps[reader] ?? 0) > 0).sort(byLoad(loads))
  const heaviest = Math.max(...shares.map(({ weight }) => weight))
  for (const from of readers.toReversed())
    for (const to of readers) {
      if ((loads[from] ?? 0) - (loads[to] ?? 0) <= heaviest) break
      const share = shares.find(({ hasExtra }) => hasExtra[from] && !hasExtra[to])
      if (share === undefined) continue
      share.hasExtra[from] = false
      share.hasExtra[to] = true
      add(loads, from, -share.weight)
      add(loads, to, share.weight)
      return true
    }
  return false
}

function byLoad(loads: readonly number[]): (a: number, b: number) => number {
  return (a, b) => (loads[a] ?? 0) - (loads[b] ?? 0) || a - b
}

function add(loads: number[], reader: number, partitions: number): void {
  loads[reader] = (loads[reader] ?? 0) + partitions
}
