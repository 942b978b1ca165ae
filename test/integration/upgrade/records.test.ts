import { describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { forewarm } from '../../bin/forewarm-process.ts'
import { kafkaBrokers } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { header } from '../../node/stage.ts'
import { BESIDE, mixedWith } from './beside.ts'
import { BUILDS } from './builds.ts'

const FORMS = ['json', 'avro'] as const
/** Prices above all of the market. */
const OTHER = 1_000_000
const DAY = 10_000

describe.each(BUILDS)(BESIDE, (build) => {
  const { lacks } = build
  const mixed = mixedWith(build)

  test('handles price records of both, in JSON and Avro, or refuses them by name', async () => {
    const { fleet, old, young } = mixed()
    const members = [old, young]
    const sent: { readonly price: number; readonly isForeign: boolean }[] = []
    for (const [at, member] of members.entries())
      for (const [form, encoding] of FORMS.entries()) {
        const updates = fleet.market.pairs.map(
          (pair, number): PriceUpdate => ({
            ...pair,
            price: OTHER + (2 * at + form) * DAY + number,
            eventTimeMs: Date.now(),
            bid: 1,
            group: 'g',
            sequence: number,
          }),
        )
        const isForeign = member === old && encoding === 'avro' && lacks.includes('schema-id')
        sent.push(...updates.map(({ price }) => ({ price, isForeign })))
        await member.call('publish', fleet.stage.topic, encoding, updates)
      }
    const letters = await fleet.stage.watch(`${fleet.stage.topic}.dlq`, 'earliest')
    const handledBy = (price: number) => members.filter(({ handled }) => handled.has(price))
    await until('every record is handled, or is of a foreign schema and dead', () => {
      const unhandled = sent.filter(({ price }) => handledBy(price).length === 0)
      return unhandled.length === letters.length && unhandled.every(({ isForeign }) => isForeign)
    })
    expect(members.map(({ handled }) => sent.some(({ price }) => handled.has(price)))).toEqual([true, true])
    const reasons = new Set(letters.map((letter) => header(letter, 'forewarm-error-code')))
    expect([...reasons]).toEqual(lacks.includes('schema-id') ? ['unknown-schema'] : [])
    const counted = () => young.counted('dead_letters_total', 'reason="unknown-schema"')
    await until('this build has counted them', async () => (await counted()) === letters.length)
  })

  test('tells of the dead letters of both', async () => {
    const { fleet, old, young } = mixed()
    const { stage, chains } = fleet
    const members = [old, young]
    await stage.produceRecords(...chains.map((key, partition) => ({ partition, key, value: Buffer.from(key) })))
    await until('both have refused some', async () => {
      const counts = await Promise.all(members.map((member) => member.counted('dead_letters_total', 'not-json')))
      return counts.every((count) => count > 0) && counts.reduce((sum, count) => sum + count) === chains.length
    })
    const env = { KAFKA_BROKERS: kafkaBrokers().join(',') }
    const { code, stdout } = await forewarm(['tail', `${stage.topic}.dlq`, '--no-follow', '--json'], { env })
    const told = stdout.split('\n').filter((line) => line.includes('"reason":"not-json"'))
    expect({ code, told: told.length }).toEqual({ code: 0, told: chains.length })
  })

  if (lacks.includes('service')) {
    test('refuses the warm requests of the older build by name, as they name no service', async () => {
      const { fleet, old, young } = mixed()
      for (const chain of fleet.chains) await old.call('ask', { chain, pairs: ['P0'] })
      const refused = () => young.counted('warm_requests_refused_total', 'reason="other-service"')
      await until('this build has refused all requests', async () => (await refused()) === fleet.chains.length)
    })
    return
  }

  test('carries out the warm requests of both, and understands the answers', async () => {
    const { fleet, old, young } = mixed()
    const members = [old, young]
    for (const asking of members) {
      const answering = new Set<string>()
      for (const chain of fleet.chains) {
        // Nobody has it in L1.
        const pair = `OF-${asking.id}`
        expect(await asking.call('set', chain, pair, { price: 1 })).toBe('stored')
        const receipt = await asking.call('ask', { chain, pairs: [pair], wait: true, timeoutMs: 60_000 })
        if (receipt.status !== 'answered') throw new Error(`a request was ${receipt.status}`)
        const { status, warmed, node } = receipt.result
        expect({ status, warmed }).toEqual({ status: 'done', warmed: 1 })
        const has = await Promise.all(members.map((member) => member.call('has', chain, pair)))
        expect(has).toEqual(members.map(({ id }) => id === node))
        answering.add(node)
      }
      expect(answering).toEqual(new Set(members.map(({ id }) => id)))
    }
  })
})
