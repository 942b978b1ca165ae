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
