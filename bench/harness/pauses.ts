/** An update that was handled: when, and by which node. */
export interface Handling {
  readonly atMs: number
  readonly node: unknown
}

export interface Pauses {
  /** The longest time without an update in a partition that more than one node has handled; 0: there is none. */
  readonly movingMs: number
  /** The same of those that one node has handled all the time. */
  readonly stayingMs: number
}

/** Pauses in the handling of partitions, each of which gets updates all the time. */
export function pausesOf(partitions: readonly (readonly Handling[])[]): Pauses {
  let [movingMs, stayingMs] = [0, 0]
  for (const partition of partitions) {
    const times = partition.map(({ atMs }) => atMs).sort((a, b) => a - b)
    const longestMs = times.reduce((longest, atMs, at) => Math.max(longest, atMs - (times[at - 1] ?? atMs)), 0)
    if (new Set(partition.map(({ node }) => node)).size > 1) movingMs = Math.max(movingMs, longestMs)
    else stayingMs = Math.max(stayingMs, longestMs)
  }
  return { movingMs, stayingMs }
}
