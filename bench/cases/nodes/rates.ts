import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import type { Stage } from '../../stages/stage.ts'
import type { Feed } from './feed.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import { underLoad } from './freshness.ts'
import { BY_CHAIN } from './market.ts'
import { FORGET_MS } from './redis-commands.ts'

const HANDLED_MS = 60_000
const READS_A_SECOND = 100
const TWENTY_AT = 10_000

interface Backlog {
  readonly updates: number
  /** Which pair is next. Default: after Zipf. */
  readonly next?: () => number
}

/** Reads a second of one process, by L1 and by a GET for each. */
export function closedLoop(stage: Stage, fleet: Fleet): Promise<readonly Figure[]> {
  const { readers, read } = fleet
  const [reader] = readers
  const loop = { ranks: read, perSecond: 0, forMs: stage.amount(1_000, 100) }
  const measure = (name: 'readAll' | 'getEach' | 'getTogether') => async () =>
    (await reader?.do(name, loop)) ?? Number.NaN
  const reads = measure('readAll')
  return underLoad(fleet, { layout: BY_CHAIN, perSecond: 1_000 }, () =>
    contest(stage, {
      ...{ unit: 'reads/s', better: 'higher', rounds: stage.amount(stage.runs, 1) },
      ...{ anchor: 'a GET for each', measureAnchor: measure('getEach') },
      ours: { 'reads of foreign pairs, closed loop': reads },
      others: {
        'reads of foreign pairs, against GETs of all pairs at a time': {
          ...{ anchor: '200 GETs at a time', measureAnchor: measure('getTogether'), ours: reads },
        },
      },
    }),
  )
}

/** The owner catches up with a backlog, while one reader reads what changes, or nobody does. */
export function saturation(stage: Stage, fleet: Fleet): Promise<readonly Figure[]> {
  const updates = stage.amount(400_000, 20_000)
  return contest(stage, {
    ...{ unit: 'updates/s', better: 'higher', rounds: stage.amount(stage.runs, 1) },
    ...{
      anchor: 'without readers',
      measureAnchor: () => unread(stage, () => catchUp([fleet.owner], fleet.feed, { updates })),
    },
    ours: {
      "the owner's updates a second as fast as it can, one reader": () =>
        readMeanwhile(fleet, () => catchUp([fleet.owner], fleet.feed, { updates })),
    },
  })
}

/** The owner's updates a second at a steady rate, while all readers read, or none does. */
export function steady(stage: Stage, fleet: Fleet): Promise<readonly Figure[]> {
  const forMs = stage.amount(5_000, 500)
  const handled = () =>
    underLoad(fleet, { layout: BY_CHAIN, perSecond: TWENTY_AT }, async () => {
      await pause(forMs / 5)
      await fleet.owner.do('handled')
      const startMs = performance.now()
      await pause(forMs)
      return ((await fleet.owner.do('handled')).length * 500) / (performance.now() - startMs)
    })
  return contest(stage, {
    ...{ unit: 'updates/s', better: 'higher', rounds: stage.amount(stage.runs, 1) },
    ...{ anchor: 'without readers', measureAnchor: () => unread(stage, handled) },
    ours: { "the owner's updates a second at 10,000/s, twenty readers": () => readMeanwhile(fleet, handled) },
  })
}

/** Readers go on for some seconds with what they have read. */
async function unread<T>(stage: Stage, measured: () => Promise<T>): Promise<T> {
  await pause(stage.amount(FORGET_MS, 500))
  return measured()
}

async function readMeanwhile<T>({ readers, read }: Fleet, measured: () => Promise<T>): Promise<T> {
  const goesOn = { isOn: true }
  const reading = readers.map(async (reader) => {
    while (goesOn.isOn) await reader.do('sample', { ranks: read, perSecond: READS_A_SECOND, forMs: 250 })
  })
  try {
    return await measured()
  } finally {
    goesOn.isOn = false
    await Promise.all(reading)
  }
}

/** Updates a second of nodes that catch up with a backlog, which they get while they stand still. */
export async function catchUp(nodes: readonly FleetNode[], feed: Feed, { updates, next }: Backlog): Promise<number> {
  for (const node of nodes) await node.do('handled')
  const first = feed.sent + 1
  for (const node of nodes) node.signal('SIGSTOP')
  try {
    await feed.backlog(updates, next)
  } finally {
    for (const node of nodes) node.signal('SIGCONT')
  }
  let [count, startMs, endMs] = [0, Number.POSITIVE_INFINITY, 0]
  const deadline = performance.now() + HANDLED_MS
  while (count < updates) {
    if (performance.now() > deadline) throw new Error(`${count} of ${updates} updates were handled in time`)
    await pause(100)
    for (const handled of await Promise.all(nodes.map((node) => node.do('handled'))))
      for (let i = 0; i < handled.length; i += 2) {
        if ((handled[i] as number) < first) continue
        count++
        startMs = Math.min(startMs, handled[i + 1] as number)
        endMs = Math.max(endMs, handled[i + 1] as number)
      }
  }
  return (updates * 1000) / (endMs - startMs)
}
