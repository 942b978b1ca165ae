import { expect, test } from '@jest/globals'
import { BrokerError, type Producer } from '../../src/broker/port.ts'
import type { Timer } from '../../src/timer.ts'
import { until } from '../harness/until.ts'
import { type ControlStage, onControlStage } from './control-stage.ts'

/** Nobody writes again what was hidden, as if no node ran. */
const never: Timer = () => () => undefined

async function writtenAgain({ follower, write, stored }: ControlStage) {
  const ann = await follower()
  await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
  await write('mode', { id: 'loser', version: 1, value: { is: 'b' } })
  await until('it is written again', async () => (await stored()).at(-1)?.version === 2)
  await until('and read', () => ann.control.current('mode')?.version === 2)
  return ann
}

test('an operator who has seen a value before it was written again has seen what is in force', () =>
  onControlStage(async (stage) => {
    const ann = await writtenAgain(stage)
    const late = await stage.follower()
    for (const { control } of [ann, late]) {
      const { setAs, version } = control.current('mode') ?? {}
      expect({ setAs, version }).toEqual({ setAs: 1, version: 2 })
    }
    expect(await late.control.set('mode', { value: { is: 'c' }, by: 'ben' }, 1)).toMatchObject({ status: 'won' })
    await until('all follow', () => ann.is() === 'c')
    expect(await ann.control.set('mode', { value: { is: 'd' }, by: 'ann' }, 2)).toMatchObject({ status: 'lost' })
  }))

test('a value that comes behind a repetition of what its operator has seen is set all the same', () =>
  onControlStage(async ({ broker, follower, write }) => {
    const producer = broker.producer()
    await producer.connect()
    let overtakes = 0
    const overtaken: Pick<Producer, 'sendBatch' | 'partitions'> = {
      partitions: (topic) => producer.partitions(topic),
      sendBatch: async (...sent) => {
        const { id, version = 0 } = ann.control.current('mode') ?? {}
        if (overtakes++ === 1) await write('mode', { id: id ?? '', version: version + 1, value: { is: 'a' } })
        return producer.sendBatch(...sent)
      },
    }
    const ann = await follower('default', never, { producer: overtaken })
    await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
    expect(await ann.control.set('mode', { value: { is: 'b' }, by: 'ann' }, 1)).toMatchObject({ status: 'won' })
    expect(ann.control.current('mode')?.past).toMatchObject([{ by: 'ann', value: { is: 'a' } }])
    await producer.close()
  }))

test('whoever loses leaves the winner last in the topic, though nobody else follows', () =>
  onControlStage(async ({ follower, stored }) => {
    const both = [await follower('default', never), await follower('default', never)]
    const written = await Promise.all(
      both.map(({ control }, at) => control.set('mode', { value: { is: `${at}` }, by: `${at}` }, 0)),
    )
    const winner = written.find(({ status }) => status === 'won')
    expect((await stored()).at(-1)?.id).toBe(winner?.status === 'won' && winner.record.id)
  }))

test('a value that Kafka does not take in time is given up, so that it cannot come into force later', () =>
  onControlStage(async ({ follower }) => {
    const limits: unknown[] = []
    const away: Pick<Producer, 'sendBatch' | 'partitions'> = {
      partitions: async () => 1,
      sendBatch: async (_, __, timeoutMs) => {
        limits.push(timeoutMs)
        throw new BrokerError('unreachable', 'not acknowledged in time', { retriable: true })
      },
    }
    const ann = await follower('default', never, { producer: away, writeMs: 3_000 })
    const killed = { value: { is: 'killed' }, by: 'ann', forced: true }
    expect(await ann.control.set('mode', killed)).toEqual({ status: 'failed', reason: 'not acknowledged in time' })
    expect(limits).toEqual([3_000])
  }))

test('a value that its own node refuses is told so', () =>
  onControlStage(async ({ follower }) => {
    const ann = await follower()
    await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
    expect(await ann.control.set('mode', { value: { is: 7 }, by: 'ann' })).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('is: expected a text'),
    })
  }))

test('a record of the last version there is keeps nobody from setting a value, or from forcing one', () =>
  onControlStage(async ({ follower, write, stored }) => {
    const [ann, ben] = [await follower(), await follower()]
    await write('mode', { id: 'last', version: 2 ** 40, value: { is: 'a' } })
    await until('both have it', () => ann.is() === 'a' && ben.is() === 'a')
    expect(await ann.control.set('mode', { value: { is: 'b' }, by: 'ann' })).toMatchObject({ status: 'won' })
    const killed = { value: { is: 'killed' }, by: 'ben', forced: true }
    expect(await ben.control.set('mode', killed)).toMatchObject({ status: 'won' })
    await write('mode', 'hides it')
    await until('it is last again', async () => (await stored()).at(-1)?.value?.is === 'killed')
    await until('both follow', () => ann.is() === 'killed' && ben.is() === 'killed')
    expect((await follower()).is()).toBe('killed')
    expect([ann.refused.length, ben.refused.length]).toEqual([1, 1])
  }))
