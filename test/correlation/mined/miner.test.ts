import { describe, expect, test } from '@jest/globals'
import { planted } from '../../../bench/traffic/planted-workload.ts'
import { EdgeRows, emptyRow, type MinedEdge } from '../../../src/correlation/mined/edge-rows.ts'
import { LONGEST_LAG_MS } from '../../../src/correlation/mined/far-bands.ts'
import { Miner } from '../../../src/correlation/mined/miner.ts'
import { PIECE } from '../../../src/correlation/mined/pieces.ts'
import { UpdateLog } from '../../../src/correlation/mined/update-log.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

const PAIRS = 1_000
const SEED = 11

class Mine {
  readonly log: UpdateLog
  readonly rows: EdgeRows
  readonly miner: Miner
  readonly readFrom: Float64Array<SharedArrayBuffer>

  constructor(pairs = PAIRS, windowMs = LONGEST_LAG_MS) {
    this.log = new UpdateLog({ maxPairs: pairs, entries: 262_144 })
    this.rows = EdgeRows.of(pairs)
    this.readFrom = new Float64Array(new SharedArrayBuffer(pairs * 8))
    this.miner = new Miner({ log: this.log.memory, edges: this.rows.memory, readFrom: this.readFrom, windowMs })
  }

  edgesOf(pairId: number): readonly MinedEdge[] {
    const row = emptyRow()
    return row.slice(0, this.rows.read(pairId, row))
  }

  followersOf(pairId: number): readonly number[] {
    return this.edgesOf(pairId).map(({ mark }) => mark >> 1)
  }

  get memory(): Buffer {
    return Buffer.from(this.rows.memory.buffer)
  }
}

function logPlanted(log: UpdateLog, seconds: number): void {
  const { timesMs, pairIds } = planted({ pairs: PAIRS, updatesPerSecond: 2_000, signal: 0.3, seconds, seed: SEED })
  for (const [at, pairId] of pairIds.entries()) log.update(pairId, 0, timesMs[at] as number)
}

interface Following {
  readonly lagMs: number
  readonly fromS?: number
  /** Pair 2 unless given. */
  readonly follower?: number
  readonly asRead?: boolean
  /** The time between two updates of pair 1; a second unless given. */
  readonly everyMs?: number
}

/** Pair 1 is followed by another after `lagMs`, for a minute; others come at random. */
function logFollowing({ log }: Mine, options: Following): void {
  const random = mulberry32(SEED)
  const { lagMs, fromS = 0, follower = 2, asRead = false, everyMs = 1000 } = options
  for (let beganMs = fromS * 1000; beganMs < fromS * 1000 + 60_000; beganMs += everyMs) {
    log.update(1, 0, beganMs)
    if (asRead) log.missedRead(follower, 0, beganMs + lagMs)
    else log.update(follower, 0, beganMs + lagMs)
    for (let other = 0; other < 20; other++) log.update(10 + Math.floor(random() * 40), 0, beganMs + random() * 900)
  }
}

describe('mined edges', () => {
  test('are the same in one go and in steps', () => {
    const inOneGo = new Mine()
    const inSteps = new Mine()
    for (const mine of [inOneGo, inSteps]) {
      logPlanted(mine.log, 30)
      logFollowing(mine, { lagMs: 40, fromS: 31, asRead: true })
    }
    inOneGo.miner.mine(inOneGo.log.endStretch())
    inSteps.miner.begin(inSteps.log.endStretch())
    let steps = 1
    while (!inSteps.miner.step(10_000)) steps++
    expect(steps).toBeGreaterThan(100)
    expect(inSteps.memory.equals(inOneGo.memory)).toBe(true)
    expect(inOneGo.followersOf(0).toSorted()).toEqual(expect.arrayContaining([1, 2, 3, 4]))
    expect(inOneGo.edgesOf(1)).toContainEqual(expect.objectContaining({ mark: 5, lagMs: 40, hits: 8 }))
  })

  test('are prepared in steps as well, none of which goes through the whole stretch', () => {
    const mine = new Mine()
    logPlanted(mine.log, 30)
    mine.log.update(0, 0, 29_990)
    const stretch = mine.log.endStretch()
    mine.miner.begin(stretch)
    let steps = 0
    for (; mine.miner.mined === 0; steps++) mine.miner.step(1)
    expect(steps).toBeGreaterThan(4 * Math.floor((stretch.to - stretch.from) / PIECE))
  })

  test('are the same with more pairs than a leader meets', () => {
    const [few, many] = [new Mine(), new Mine(20_000)]
    for (const mine of [few, many]) {
      mine.readFrom.fill(1, 0, 60)
      // Each of these has one entry, long before.
      if (mine === many) for (let pair = 1_000; pair < 20_000; pair++) mine.log.update(pair, 0, Math.floor(pair / 10))
      logFollowing(mine, { lagMs: 40, fromS: 10 })
      mine.miner.mine(mine.log.endStretch())
    }
    const [first, second] = [few, many].map((mine) => mine.edgesOf(1)[0])
    expect(first).toMatchObject({ mark: 4, hits: 60, trials: 60, lagMs: second?.lagMs })
    expect(second).toMatchObject({ mark: 4, hits: 60, trials: 60 })
  })

  test('tell which pair follows, how soon, how often, and how many times as often as by chance', () => {
    const mine = new Mine()
    logFollowing(mine, { lagMs: 40 })
    mine.miner.mine(mine.log.endStretch())
    const [edge] = mine.edgesOf(1)
    expect(edge).toMatchObject({ mark: 4, hits: 60, trials: 60 })
    expect(edge?.lagMs).toBeGreaterThan(35)
    expect(edge?.lagMs).toBeLessThan(80)
    expect(edge?.lift).toBeGreaterThan(3)
    expect(edge?.z).toBeGreaterThan(8)
    expect(mine.log.timeOf(edge?.lastSlice ?? 0)).toBe(59_000)
  })

  test('lead to a follower up to a second later, if it always comes about equally late', () => {
    for (const lagMs of [200, 450, 900]) {
      const mine = new Mine()
      logFollowing(mine, { lagMs })
      mine.miner.mine(mine.log.endStretch())
      const [edge] = mine.edgesOf(1)
      expect(edge).toMatchObject({ mark: 4, trials: 60 })
      expect(edge?.hits).toBeGreaterThan(57)
      expect(Math.abs((edge?.lagMs ?? 0) - lagMs)).toBeLessThan(15)
      expect(mine.log.timeOf(edge?.lastSlice ?? 0)).toBe(59_000)
      expect(edge?.lift).toBeGreaterThan(2)
    }
  })

  test('lead to the follower of the first update after a quiet minute, too', () => {
    const mine = new Mine()
    const random = mulberry32(SEED)
    for (let beganMs = 0; beganMs <= 24 * 60_000; beganMs += 120_000) {
      mine.log.update(1, 0, beganMs)
      mine.log.update(2, 0, beganMs + 40)
      for (let other = 0; other < 40; other++) mine.log.update(10 + other, 0, beganMs + 50 + random() * 950)
      const stretch = mine.log.takeStretch()
      if (stretch !== undefined) mine.miner.mine(stretch)
    }
    expect(mine.edgesOf(1)[0]).toMatchObject({ mark: 4, hits: 11, trials: 11 })
  })

  test('lead to no follower beyond the longest lag asked for', () => {
    const isFoundWithin = (windowMs: number): boolean => {
      const mine = new Mine(PAIRS, windowMs)
      logFollowing(mine, { lagMs: 450 })
      mine.miner.mine(mine.log.endStretch())
      return mine.followersOf(1).includes(2)
    }
    expect([150, 400, 455].map(isFoundWithin)).toEqual([false, false, true])
  })

  test('lead to no pair that is merely active at the same times', () => {
    const mine = new Mine()
    const random = mulberry32(SEED)
    for (let second = 0; second < 60; second += 10)
      for (let beganMs = second * 1000; beganMs < second * 1000 + 2000; beganMs += 100)
        for (let pairId = 0; pairId < 6; pairId++)
          if (random() < 0.4) mine.log.update(pairId, 0, beganMs + Math.floor(random() * 100))
    mine.miner.mine(mine.log.endStretch())
    for (let pairId = 0; pairId < 6; pairId++) expect(mine.edgesOf(pairId).filter(({ z }) => z >= 4)).toEqual([])
  })

  test('lead to reads as well as updates, and tell them apart', () => {
    const mine = new Mine()
    logFollowing(mine, { lagMs: 40, asRead: true })
    mine.miner.mine(mine.log.endStretch())
    expect(mine.edgesOf(1)[0]).toMatchObject({ mark: 5, hits: 8, trials: 8, lagMs: 40 })
    expect(mine.edgesOf(2)).toEqual([])
  })

  test('lead to reads that are not punctual, too, but not after bursts', () => {
    const mine = new Mine()
    const random = mulberry32(SEED)
    for (let second = 0; second < 60; second++) {
      const burstMs = second * 1000
      for (let pair = 10; pair < 110; pair++) mine.log.update(pair, 0, burstMs)
      for (let pair = 10; pair < 110; pair++) mine.log.missedRead(pair, 0, burstMs + 20 + random() * 60)
      mine.log.update(1, 0, burstMs + 500)
      mine.log.missedRead(2, 0, burstMs + 520 + random() * 60)
    }
    mine.miner.mine(mine.log.endStretch())
    expect(mine.edgesOf(1)[0]).toMatchObject({ mark: 5, hits: 60 })
    expect(mine.edgesOf(10).filter(({ mark }) => mark % 2 === 1)).toEqual([])
  })

  test('lead only to pairs that are read, once any pair is', () => {
    const mine = new Mine()
    mine.readFrom[3] = 1
    logFollowing(mine, { lagMs: 40 })
    mine.miner.mine(mine.log.endStretch())
    expect(mine.followersOf(1)).toEqual([])
    mine.readFrom[2] = 1
    logFollowing(mine, { lagMs: 40, fromS: 60 })
    mine.miner.mine(mine.log.endStretch())
    expect(mine.followersOf(1)).toEqual([2])
  })

  test('lead only to pairs of the same chain', () => {
    const mine = new Mine()
    for (let second = 0; second < 60; second++) {
      mine.log.update(1, 0, second * 1000)
      mine.log.update(2, 1, second * 1000 + 20)
    }
    mine.miner.mine(mine.log.endStretch())
    expect([mine.followersOf(1), mine.followersOf(2)]).toEqual([[], []])
  })

  test('add up over stretches, and fade', () => {
    const mine = new Mine()
    for (const fromS of [0, 60]) {
      logFollowing(mine, { lagMs: 40, fromS })
      mine.miner.mine(mine.log.endStretch())
    }
    expect(mine.edgesOf(1)[0]?.hits).toBe(119)
    logFollowing(mine, { lagMs: 40, fromS: 3600 })
    mine.miner.mine(mine.log.endStretch())
    const hits = mine.edgesOf(1)[0]?.hits ?? 0
    expect(hits).toBeGreaterThan(60 + 119 / 2 - 2)
    expect(hits).toBeLessThan(60 + 119 / 2 + 2)
  })

  test('of a leader that always comes equally often add up for an hour, and lead to a new follower when it has one', () => {
    const mine = new Mine()
    for (let minute = 0; minute < 60; minute++) {
      logFollowing(mine, { lagMs: 40, fromS: minute * 60, follower: minute < 30 ? 2 : 3, everyMs: 10_000 })
      mine.miner.mine(mine.log.endStretch())
    }
    const trialsOf = (follower: number) => mine.edgesOf(1).find(({ mark }) => mark === follower * 2)?.trials ?? 0
    // There are six trials a minute, and half of them are left after an hour.
    expect(trialsOf(2)).toBeGreaterThan(60 * 6 * 0.7)
    expect(trialsOf(3)).toBeGreaterThan(30 * 6 * 0.8)
  })

  test('of a leader with a thousand trials stay as they are until it has a quarter more, over any number of stretches', () => {
    const mine = new Mine()
    const trials: (number | undefined)[] = []
    for (let minute = 0; minute < 9; minute++) {
      logFollowing(mine, { lagMs: 20, fromS: minute * 60, everyMs: minute < 2 ? 100 : 600 })
      mine.miner.mine(mine.log.endStretch())
      trials.push(mine.edgesOf(1).find(({ mark }) => mark === 4)?.trials)
    }
    const [, before] = trials
    expect(trials.slice(1, 4)).toEqual([before, before, before])
    expect(trials.at(-1)).not.toBe(before)
    expect(mine.miner.skipped).toBeGreaterThan(3)
  })
})

describe('a delisted pair', () => {
  test('is no longer a follower, nor a leader', () => {
    const mine = new Mine()
    logFollowing(mine, { lagMs: 40 })
    mine.miner.mine(mine.log.endStretch())
    mine.log.forget(2)
    for (let second = 60; second < 120; second++) mine.log.update(1, 0, second * 1000)
    mine.miner.mine(mine.log.endStretch())
    expect(mine.followersOf(1)).not.toContain(2)
    mine.log.forget(1)
    mine.miner.mine(mine.log.endStretch())
    expect(mine.edgesOf(1)).toEqual([])
  })
})

test('the miner forgets pairs in steps as well, however many there are', () => {
  const mine = new Mine(65_536)
  mine.log.update(65_535, 0, 0)
  mine.log.forget(1)
  mine.log.update(2, 0, 10)
  mine.miner.begin(mine.log.endStretch())
  let steps = 1
  while (!mine.miner.step(1)) steps++
  expect(steps).toBeGreaterThan(65_536 / 1_024)
})

describe('the miner', () => {
  test('mines no leader in a stretch without entries', () => {
    const mine = new Mine()
    mine.miner.mine(mine.log.endStretch())
    expect(mine.miner.mined).toBe(0)
  })

  test('finds a follower beside ten thousand pairs in one millisecond, every three seconds', () => {
    const mine = new Mine(10_100)
    for (let second = 0; second < 60; second += 3) {
      for (let pair = 100; pair < 10_100; pair++) mine.log.update(pair, 0, second * 1000)
      mine.log.update(1, 0, second * 1000 + 300)
      mine.log.update(2, 0, second * 1000 + 340)
    }
    mine.miner.mine(mine.log.endStretch())
    expect(mine.edgesOf(1)[0]).toMatchObject({ mark: 4, hits: 20 })
  })
})
