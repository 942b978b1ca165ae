import { afterAll, beforeAll, expect } from '@jest/globals'
import { FETCH } from '../../../src/broker/kafka/wire/fetch.ts'
import { compareCompacted } from '../../broker/peers/compacted.ts'
import { compareSchedules } from '../../broker/peers/rounds.ts'
import { hasJava, testWithJava } from '../../harness/java.ts'
import { JavaPeer } from '../../harness/peers/java-peer.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} writes the same schedules again`)

let java: JavaPeer

beforeAll(async () => {
  if (hasJava) java = await JavaPeer.start()
})

afterAll(() => java?.close())

const ROUNDS = [
  ["the producers' timestamps", 'CreateTime'],
  ["the broker's timestamps", 'LogAppendTime'],
  ["the producers' timestamps once more", 'CreateTime'],
] as const

for (const [round, [name, times]] of ROUNDS.entries()) {
  testWithJava(
    `with ${name}, our consumer reads 100 random schedules as Java's read_committed consumer does`,
    async () => {
      const { schedules, records } = await compareSchedules({ java, count: 100, seed: SEED + round, times })
      expect(schedules).toBe(100)
      expect(records).toBeGreaterThan(1_000)
    },
  )
}

testWithJava("our consumer reads compacted logs as Java's read_committed consumer does", async () => {
  await compareCompacted(java, 40, SEED)
})

/** Older brokers speak these: without tagged fields, with tagged fields, and with topic ids. */
for (const version of [11, 12, 13]) {
  testWithJava(`over Fetch version ${version} our consumer reads as Java's read_committed consumer does`, async () => {
    const { highest } = FETCH
    try {
      Object.assign(FETCH, { highest: version })
      await compareSchedules({ java, count: 30, seed: SEED + version })
    } finally {
      Object.assign(FETCH, { highest })
    }
  })
}
