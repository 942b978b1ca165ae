import { expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { ReplayTurn } from '../../src/detect/replay-turn.ts'

test('no record begins while the handlers of another run, however many lanes wait for the turn', async () => {
  const turn = new ReplayTurn(virtualClock())
  let running = 0
  let most = 0
  const lane = async (records: number): Promise<void> => {
    for (let record = 0; record < records; record++) {
      while (turn.isTaken) await turn.free()
      turn.begin(record)
      await turn.take(handle())
    }
  }
  const handle = async (): Promise<void> => {
    most = Math.max(most, ++running)
    for (let step = 0; step < 3; step++) await Promise.resolve()
    running--
  }
  await Promise.all([lane(50), lane(50), lane(50)])
  expect(most).toBe(1)
})

test('a record that begins while another has the turn is refused', async () => {
  const turn = new ReplayTurn(virtualClock())
  const { promise, resolve } = Promise.withResolvers<void>()
  const taken = turn.take(promise)
  expect(() => turn.begin(1)).toThrow('not settled')
  resolve()
  await taken
})
