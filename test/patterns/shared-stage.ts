import { PairTable } from '../../src/cache/names/pair-table.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import type { DayHashes } from '../../src/patterns/day-hashes.ts'
import { SharedPatterns } from '../../src/patterns/shared-patterns.ts'
import type { PairNames } from '../../src/prediction/patterns-document.ts'
import { Predictor } from '../../src/prediction/predictor.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { ManualTimer } from '../harness/manual-timer.ts'
import { until } from '../harness/until.ts'
import { MemoryHashes } from './memory-hashes.ts'

export const HOUR_MS = 3_600_000
export const NOON_MS = Date.UTC(2026, 0, 5, 12, 30)
export const TODAY = Math.floor(NOON_MS / HOUR_MS / 24)

export interface SharerOptions {
  readonly hashes: DayHashes
  readonly clock?: VirtualClock
  readonly maxPairs?: number
  readonly historyHours?: number
}

let made = 0

function namingIn(table: PairTable) {
  return {
    namesOf: (pairId: number) => ({ ...table.namesOf(pairId), group: table.groupOf(pairId) }),
    idOf: ({ chain, pair, group }: PairNames) => {
      const pairId = table.ask(chain, pair)
      if (pairId >= 0 && group !== undefined) table.setGroup(pairId, group)
      return pairId
    },
  }
}

function logTo(lines: string[]) {
  const stream = { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) }
  return createLog({ service: 'test', version: '0', stream })
}

/** A predictor with shared patterns, as a node has them, on a clock and a timer of its own unless a clock is given. */
export function sharer({
  hashes,
  clock = virtualClock(NOON_MS),
  maxPairs = 10_000,
  historyHours = 168,
}: SharerOptions) {
  const lines: string[] = []
  const log = logTo(lines)
  const table = new PairTable({ maxPairs })
  const naming = { maxPairs, historyHours, ...namingIn(table) }
  const predictor = new Predictor({ ...naming, settleHours: 1 })
  const timer = new ManualTimer(clock)
  let loaded = 0
  const store = new SharedPatterns({
    ...{ ...naming, predictor, hashes, clock, log, timer: timer.start, random: () => 0 },
    ...{ service: 'test', name: `process-${made++}`, onLoaded: () => void loaded++ },
  })
  const idOf = (pair: string) => table.ask('ethereum', pair)
  return {
    store,
    predictor,
    clock,
    timer,
    lines,
    table,
    /** A detector reads the pair so often, now. */
    read: (pair: string, times = 1) => {
      for (let time = 0; time < times; time++) {
        predictor.recordAccess(idOf(pair), clock.now())
        store.onRead(idOf(pair), clock.now())
      }
    },
    import: (document: unknown) => predictor.addPatterns(document, clock.now(), store.onImported.bind(store)),
    /** What the predictor knows of the pair's reads, all hours together. */
    known: (pair: string) => predictor.history.between(idOf(pair), 0, 1_000_000),
    start: async () => {
      await store.start()
      await until('the patterns are read', () => store.trouble === undefined)
    },
    /** Lets the next round take place. */
    round: async (afterMs: number, isOver: () => boolean) => {
      await timer.advance(afterMs)
      await until('the round is over', () => isOver() && timer.pending > 0)
    },
    loads: () => loaded,
  }
}

/** Nodes over hashes in memory, which are closed after each test. */
export class SharedStage {
  readonly redis = new MemoryHashes()
  readonly #opened: Sharer[] = []

  /** A node that has not started. */
  made(options: Partial<SharerOptions> = {}): Sharer {
    const made = sharer({ hashes: this.redis.connection(), ...options })
    this.#opened.push(made)
    return made
  }

  async node(options: Partial<SharerOptions> = {}): Promise<Sharer> {
    const made = this.made(options)
    await made.start()
    return made
  }

  /** A node that reads the pairs so often and closes. */
  async lived(reads: Readonly<Record<string, number>>, atMs = NOON_MS): Promise<void> {
    const one = await this.node({ clock: virtualClock(atMs) })
    for (const [pair, times] of Object.entries(reads)) one.read(pair, times)
    await one.store.close()
  }

  async close(): Promise<void> {
    for (const each of this.#opened) await each.store.close()
  }
}

export type Sharer = ReturnType<typeof sharer>
