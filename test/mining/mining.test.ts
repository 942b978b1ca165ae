import { afterEach, describe, expect, test } from '@jest/globals'
import { planted } from '../../bench/traffic/planted-workload.ts'
import { virtualClock } from '../../src/clock.ts'
import { emptyRow, type MinedEdge } from '../../src/correlation/mined/edge-rows.ts'
import { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { SLICE_MS } from '../../src/correlation/mined/update-log.ts'
import { Mining } from '../../src/mining/mining.ts'
import { systemTimer, type Timer } from '../../src/timer.ts'
import { ManualTimer } from '../harness/manual-timer.ts'
import { mutantOf } from '../harness/mutant.ts'
import { until } from '../harness/until.ts'

const PAIRS = 200
const SEED = 5

/** Two stretches take seconds, and longer on a busy machine. */
const PATIENCE = { timeoutMs: 150_000 }

const open: Mining[] = []

afterEach(() => Promise.all(open.splice(0).map((mining) => mining.close())))

/** A log in which two stretches have ended; pairs below `read` are read. */
function logged(read = PAIRS): MinedEdges {
  const edges = new MinedEdges({ maxPairs: PAIRS, entries: 65_536 })
  for (let pair = 0; pair < read; pair++) edges.read(pair)
  const { timesMs, pairIds } = planted({ pairs: PAIRS, updatesPerSecond: 300, signal: 0.3, seconds: 122, seed: SEED })
  for (const [at, pairId] of pairIds.entries()) edges.update(pairId, 0, timesMs[at] as number)
  return edges
}

function rowsOf(edges: MinedEdges): readonly (readonly MinedEdge[])[] {
  return Array.from({ length: PAIRS }, (_, pair) => {
    const row = emptyRow()
    return row.slice(0, edges.after(pair, row))
  })
}

function rethrown(error: unknown): never {
  throw error
}

interface Told {
  readonly onThreadLost?: () => void
  readonly onFailed?: (error: unknown) => void
}

function mine(edges: Pick<MinedEdges, 'takeStretch' | 'memory'>, inThread: boolean, told: Told = {}): Mining {
  const { onThreadLost = () => {}, onFailed = rethrown } = told
  const timer: Timer = (_, run) => systemTimer(1, run)
  const mining = new Mining({ edges, timer, inThread, onThreadLost, onFailed })
  open.push(mining)
  mining.start()
  return mining
}

/** The same edges with a memory that no miner can work on. */
function unminable(edges: MinedEdges) {
  return {
    memory: { ...edges.memory, log: undefined } as unknown as MinedEdges['memory'],
    takeStretch: () => edges.takeStretch(),
  }
}

describe('stretches', () => {
  test('give the same edges mined in a thread and in steps', async () => {
    const [inThread, inSteps] = [logged(), logged()]
    const minings = [mine(inThread, true), mine(inSteps, false)]
    await until('both stretches are mined', () => minings.every(({ stretches }) => stretches === 2), PATIENCE)
    const rows = rowsOf(inSteps)
    expect(rowsOf(inThread)).toEqual(rows)
    expect(rows[0]?.map(({ mark }) => mark >> 1)).toEqual(expect.arrayContaining([1, 2, 3, 4]))
  })

  test('give the same edges, whatever is read between their end and their mining', async () => {
    const atOnce = logged(PAIRS / 2)
    const later = logged(PAIRS / 2)
    for (let pair = PAIRS / 2; pair < PAIRS; pair++) later.read(pair)
    const minings = [mine(atOnce, false), mine(later, false)]
    await until('both stretches are mined', () => minings.every(({ stretches }) => stretches === 2), PATIENCE)
    expect(rowsOf(later)).toEqual(rowsOf(atOnce))
  })

  test('are mined in steps once the thread is lost', async () => {
    const edges = logged()
    const of = unminable(edges)
    let losses = 0
    const onThreadLost = (): void => {
      losses++
      of.memory = edges.memory
    }
    const mining = mine(of, true, { onThreadLost })
    await until('both stretches are mined', () => mining.stretches === 2, PATIENCE)
    expect(losses).toBe(1)
    expect(rowsOf(edges)[0]?.map(({ mark }) => mark >> 1)).toEqual(expect.arrayContaining([1, 2, 3, 4]))
  })
})

test('stretches are mined in steps also if the thread ends without an error', async () => {
  const ending = mutantOf(
    new URL('../../src/mining/mining.ts', import.meta.url),
    'new Worker(THREAD,',
    "new Worker(new URL('data:text/javascript,process.exit(3)'),",
  )
  const edges = logged()
  const losses: string[] = []
  const timer: Timer = (_, run) => systemTimer(1, run)
  const { Mining: EndingMining } = (await import(ending.url)) as typeof import('../../src/mining/mining.ts')
  const onThreadLost = (error: Error) => losses.push(error.message)
  const mining = new EndingMining({ edges, timer, inThread: true, onThreadLost, onFailed: rethrown })
  try {
    mining.start()
    await until('both stretches are mined', () => mining.stretches === 2, PATIENCE)
    expect(losses).toEqual(['the mining thread ended with exit code 3'])
  } finally {
    await mining.close()
    ending.remove()
  }
})

describe.each([
  ['a thread', true],
  ['steps', false],
] as const)('mining in %s', (_, inThread) => {
  test('takes every entry, or counts it as one that came too fast', async () => {
    const entries = 16_384
    const edges = new MinedEdges({ maxPairs: PAIRS, entries })
    for (let pair = 0; pair < PAIRS; pair++) edges.read(pair)
    const updates = 5 * entries
    for (let at = 0; at < updates; at++) edges.update(at % PAIRS, 0, Math.floor(at / PAIRS) * SLICE_MS)
    const mining = mine(edges, inThread)
    await until('both stretches are mined', () => mining.stretches === 2, PATIENCE)
    const taken = Math.floor(entries * (15 / 16))
    expect(edges.notTaken).toBe(3 * taken)
    // Two stretches are left. The log has the end of them, but for the blocks that are written next.
    const written = 5 * taken
    expect(mining.lost).toBeGreaterThan(2 * taken - (entries - (updates - written)))
    expect(mining.lost).toBeLessThan(2 * taken - (entries - (updates - written)) + 3 * 1_024)
  })
})

test.each([
  ['a thread, and in the steps that follow it', true],
  ['steps', false],
] as const)('mining that fails in %s ends, and reports the failure', async (_, inThread) => {
  const failures: unknown[] = []
  let looks = 0
  const edges = unminable(logged())
  const counted = {
    ...edges,
    takeStretch: () => {
      looks++
      return edges.takeStretch()
    },
  }
  const mining = mine(counted, inThread, { onFailed: (error) => failures.push(error) })
  await until('the failure is reported', () => failures.length > 0, PATIENCE)
  expect([failures.length, looks, mining.stretches]).toEqual([1, 1, 0])
})

test('mining ends with the close, which may be called twice', async () => {
  const timer = new ManualTimer(virtualClock(0))
  const edges = logged()
  const mining = new Mining({ edges, timer: timer.start, inThread: true, onThreadLost: () => {}, onFailed: () => {} })
  mining.start()
  await mining.close()
  await mining.close()
  await timer.advance(10_000)
  expect([timer.pending, mining.stretches, edges.takeStretch()?.from]).toEqual([0, 0, 0])
})
