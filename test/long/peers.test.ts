import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { compareCompacted } from '../broker/peers/compacted.ts'
import { compareSchedules } from '../broker/peers/rounds.ts'
import { hasJava } from '../harness/java.ts'
import { JavaPeer } from '../harness/peers/java-peer.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
/** A quarter of an hour on two cores. */
const MOST_MS = 7_200_000
const testInFull = hasJava && process.env.FOREWARM_FULL !== undefined ? test : test.skip
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} writes the same schedules again; --full runs them`)

let java: JavaPeer

beforeAll(async () => {
  if (hasJava) java = await JavaPeer.start()
})

afterAll(() => java?.close())

testInFull(
  "our consumer reads 10,000 random transactional schedules as Java's read_committed consumer does",
  async () => {
    const compared = await compareSchedules({ java, count: 10_000, seed: SEED })
    console.log(JSON.stringify(compared))
    expect(compared.schedules).toBe(10_000)
  },
  MOST_MS,
)

testInFull(
  "our consumer reads 1,000 compacted logs as Java's read_committed consumer does",
  async () => {
    for (let topic = 0; topic < 10; topic++) await compareCompacted(java, 100, SEED + topic)
  },
  MOST_MS,
)
