import { expect, test } from '@jest/globals'
import { FLUSH_MS, WriteBehindStage } from './write-behind-stage.ts'

/** Makes one flush, during which an update comes. Resolves to how long that update waits for the next flush. */
async function pauseAfter(stage: WriteBehindStage, answerMs: number): Promise<number> {
  stage.add(0, 1)
  await stage.timer.advance(FLUSH_MS)
  stage.add(0, 2)
  await stage.timer.advance(answerMs)
  await stage.l2.writes[0]?.succeed()
  const answeredMs = stage.clock.now()
  while (stage.l2.writes.length === 1) await stage.timer.advance(1)
  return stage.clock.now() - answeredMs
}

test('the write-behind flushes again after the flush time if L2 answers at once', async () => {
  expect(await pauseAfter(new WriteBehindStage(), 0)).toBe(FLUSH_MS)
})

test('the write-behind lets L2 rest as long as it worked', async () => {
  expect(await pauseAfter(new WriteBehindStage(), FLUSH_MS * 7)).toBe(FLUSH_MS * 7)
})

test('the write-behind takes a tenth of the thread for sending at most', async () => {
  const stage = new WriteBehindStage()
  const { clock, l2 } = stage
  const write = l2.write.bind(l2)
  l2.write = (...columns) => {
    clock.advanceTo(clock.now() + 3)
    l2.write = write
    return write(...columns)
  }
  expect(await pauseAfter(stage, 0)).toBe(30)
})

/** Has each write make three trips, of so many milliseconds each, 2 of them work. Tells when each began since the start. */
function tripsOf({ l2, timer, clock }: WriteBehindStage, tripMs: number): { rows: number; atMs: number }[] {
  const write = l2.write.bind(l2)
  const startMs = clock.now()
  const trips: { rows: number; atMs: number }[] = []
  l2.write = async (columns, from, to, pace) => {
    for (let trip = 0; trip < 3; trip++) {
      trips.push({ rows: pace?.rowsATrip ?? 0, atMs: clock.now() - startMs })
      await new Promise<void>((resolve) => timer.start(tripMs, resolve))
      await pace?.rest(2)
    }
    return write(columns, from, to)
  }
  return trips
}

test('a flush of several trips rests between them, so that it takes a tenth of the thread at most', async () => {
  const stage = new WriteBehindStage()
  const trips = tripsOf(stage, 5)
  stage.add(0, 1)
  await stage.timer.advance(FLUSH_MS + 100)
  expect(trips).toEqual([0, 20, 40].map((atMs) => ({ rows: 128, atMs: FLUSH_MS + atMs })))
})

test('trips grow while a busy thread sees answers late, and shrink again', async () => {
  const stage = new WriteBehindStage()
  const slow = tripsOf(stage, 30)
  stage.add(0, 1)
  await stage.timer.advance(FLUSH_MS + 100)
  expect(slow).toEqual([0, 1, 2].map((trip) => ({ rows: 128 * 2 ** trip, atMs: FLUSH_MS + trip * 30 })))
  await stage.l2.writes[0]?.succeed()
  const fast = tripsOf(stage, 0)
  stage.add(0, 2)
  await stage.timer.advance(100)
  expect(fast.map(({ rows }) => rows)).toEqual([1_024, 512, 256])
})

test.each([
  ['close', (stage: WriteBehindStage) => stage.writeBehind.close()],
  ['drain', (stage: WriteBehindStage) => stage.writeBehind.drain()],
  ['flush', (stage: WriteBehindStage) => stage.writeBehind.flush()],
])('a flush in flight that a %s waits for ends in long trips without a rest', async (_, wait) => {
  const stage = new WriteBehindStage()
  const trips = tripsOf(stage, 5)
  stage.add(0, 1)
  await stage.timer.advance(FLUSH_MS + 7)
  const waited = wait(stage)
  await stage.timer.advance(10)
  expect(trips.slice(1)).toEqual([7, 12].map((atMs) => ({ rows: 2_048, atMs: FLUSH_MS + atMs })))
  await stage.l2.writes[0]?.succeed()
  await waited
  expect(stage.timer.pending).toBe(0)
})
