import { expect, test } from '@jest/globals'
import { stayMember } from '../../consumers/membership.ts'
import { virtualClock } from '../../src/clock.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

test('a lane that waits for Kafka to take outputs beats every five seconds, and one that waits for a handler does not', async () => {
  for (const isHeldUp of [true, false]) {
    const timer = new ManualTimer(virtualClock(0))
    const waiting = Promise.withResolvers<number>()
    let beats = 0
    const done = stayMember({
      ...{ wait: waiting.promise, outputs: { publishes: true, isHeldUp } },
      ...{ beat: () => beats++, timer: timer.start },
    })
    await timer.advance(60_000)
    expect(beats).toBe(isHeldUp ? 12 : 0)
    waiting.resolve(7)
    expect([await done, timer.pending]).toEqual([7, 0])
  }
})

test('a lane’s wait that fails fails for the lane as well', async () => {
  const failure = new Error('a bug of ours')
  const outputs = { publishes: true, isHeldUp: true }
  const wait = stayMember({ wait: Promise.reject(failure), outputs, beat: () => undefined })
  await expect(wait).rejects.toBe(failure)
})
