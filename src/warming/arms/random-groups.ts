/** A figure and its 95 % confidence interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** A figure with the standard error of what it estimates, and the degrees of freedom of that error. */
export interface Spread {
  readonly value: number
  readonly error: number
  readonly freedom: number
}

/** 97.5 % of Student's t distribution lie below, by degrees of freedom from 1. */
const T_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131]

export function t95(freedom: number): number {
  return T_95[Math.min(freedom, T_95.length) - 1] ?? Number.POSITIVE_INFINITY
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/**
 * The standard error of a figure of random groups (Wolter, "Introduction to Variance Estimation", 2007, chapter 2).
 * `influences`: how much each group moves the figure, which is its linear part; they add up to 0. Groups without data
 * are left out (`isEmpty`).
 */
export function spreadOf(
  value: number,
  influences: readonly number[],
  isEmpty: (group: number) => boolean,
): Spread | undefined {
  const filled = influences.filter((_, group) => !isEmpty(group))
  const count = filled.length
  if (count < 2 || !Number.isFinite(value)) return undefined
  const squares = sum(filled.map((influence) => influence * influence))
  return { value, error: Math.sqrt((squares * count) / (count - 1)), freedom: count - 1 }
}

/** A part of a whole, each by group. The error is at least that of independent trials, with one more of either outcome. */
export function shareOf(part: readonly number[], whole: readonly number[]): Spread | undefined {
  const spread = ratioOf(part, whole)
  if (spread === undefined) return undefined
  const trials = sum(whole)
  const cautious = (sum(part) + 1) / (trials + 2)
  return { ...spread, error: Math.max(spread.error, Math.sqrt((cautious * (1 - cautious)) / trials)) }
}

export function ratioOf(above: readonly number[], below: readonly number[]): Spread | undefined {
  const total = sum(below)
  if (total === 0) return undefined
  const value = sum(above) / total
  const influences = below.map((each, group) => ((above[group] ?? 0) - value * each) / total)
  return spreadOf(value, influences, (group) => (above[group] ?? 0) === 0 && below[group] === 0)
}

/** What `b` is above `a`, where they are independent of each other. */
export function differenceOf(b: Spread | undefined, a: Spread | undefined): Spread | undefined {
  if (a === undefined || b === undefined) return undefined
  const freedom = Math.min(a.freedom, b.freedom)
  return { value: b.value - a.value, error: Math.hypot(a.error, b.error), freedom }
}

export function estimateOf(spread: Spread | undefined): Estimate | undefined {
  if (spread === undefined) return undefined
  const { value, error, freedom } = spread
  const reach = t95(freedom) * error
  return { value, low: value - reach, high: value + reach }
}
