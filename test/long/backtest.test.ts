import { expect, test } from '@jest/globals'
import { randomBacktest } from '../bin/random-backtest.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
const STEPS = process.env.FOREWARM_FULL === undefined ? 100_000 : 1_000_000
console.log(`seed ${SEED}, ${STEPS} steps; FOREWARM_SEED=${SEED} runs the same detectors again, --full more of them`)

test('in very many steps of random detectors in a replay, no read shows a price of after its update', async () => {
  const { steps, readings, fromTheFuture } = await randomBacktest(SEED, STEPS)
  expect({ enough: steps >= STEPS && readings > STEPS / 2, fromTheFuture }).toEqual({ enough: true, fromTheFuture: 0 })
}, 1_200_000)
