import { expect, test } from '@jest/globals'
import type { NodeSchedulesOptions } from '../../../node/schedules/node-schedules.ts'
import { MINUTE_MS } from '../../../src/schedules/timing.ts'
import { parseTaskId } from '../../../src/tasks/task-id.ts'
import { until } from '../../harness/until.ts'
import { onSchedules, START_MS } from './schedules-stage.ts'

test('of three nodes one runs the schedules, each run once at its minute', async () => {
  await onSchedules(async ({ start, leader, advance, runs, sent }) => {
    for (const name of ['a', 'b', 'c']) await start(name)
    const { name } = await leader()
    await advance(20)
    await until('the run is sent', () => sent.length === 1)
    await advance(30)
    await until('the next is sent', () => sent.length === 2)
    expect(runs()).toEqual({ 20: [name], 50: [name] })
  })
})

/** A send that is never acknowledged. */
const never = () => new Promise<never>(() => undefined)

test('a successor sends what its predecessor has begun: the same pairs under the same ids', async () => {
  await onSchedules(async ({ start, leader, advance, sent, clock }) => {
    const begun: string[] = []
    const send: NodeSchedulesOptions['send'] = (request) => {
      begun.push(JSON.stringify([request.requestId, request.pairs]))
      return never()
    }
    const first = await start('a', { send })
    await leader()
    await start('b')
    const led = await leader()
    expect(led.name).toBe('a')
    await advance(20)
    await until('the leader has begun', () => begun.length === 1)
    const closing = first.close()
    await until('the other leads', async () => {
      await advance(1 / 60)
      return sent.length === 1
    })
    await closing
    expect(sent.map(({ by, request }) => [by, JSON.stringify([request.requestId, request.pairs])])).toEqual([
      ['b', begun[0]],
    ])
    expect(clock.now() - START_MS).toBeLessThan(21 * MINUTE_MS)
    await advance(30)
    await until('it goes on by itself', () => sent.length === 2)
  })
})

test('a run whose leader ended before it is made up within the grace time, under the time that it was for', async () => {
  await onSchedules(async ({ start, leader, advance, sent, clock, broker }) => {
    await start('a')
    await leader()
    broker.disconnect()
    await advance(20.4)
    expect(sent).toEqual([])
    broker.reconnect()
    await until('it is sent', async () => {
      await advance(1 / 60)
      return sent.length === 1
    })
    expect(clock.now() - START_MS).toBeLessThan(21 * MINUTE_MS)
    expect(parseTaskId(sent[0]?.request.requestId ?? '')?.madeAtMs).toBe(START_MS + 20 * MINUTE_MS)
  })
})

test('a run at which Kafka was away for longer than the grace time is left out, and the next one is not', async () => {
  await onSchedules(async ({ start, leader, advance, runs, sent, broker }) => {
    await start('a')
    await leader()
    broker.disconnect()
    await advance(25)
    broker.reconnect()
    await advance(24)
    expect(sent).toEqual([])
    await advance(1)
    await until('the next is sent', () => sent.length === 1)
    expect(runs()).toEqual({ 50: ['a'] })
  })
})

test('a run that fell into an outage of the whole service is not made up', async () => {
  await onSchedules(async ({ start, leader, advance, runs, sent }) => {
    const only = await start('a')
    await leader()
    await advance(19.9)
    await only.close()
    await advance(0.2)
    await start('b')
    await leader()
    await advance(29)
    expect(sent).toEqual([])
    await advance(1)
    await until('the next is sent', () => sent.length === 1)
    expect(runs()).toEqual({ 50: ['b'] })
  })
})

test('a node that ran at the time makes up a run that no leader has begun', async () => {
  await onSchedules(async ({ start, leader, advance, sent, clock }) => {
    const first = await start('a', { send: never })
    await leader()
    await start('b')
    await advance(19.99)
    const closing = first.close()
    await advance(0.01)
    await until('the successor has run it', async () => {
      await advance(1 / 60)
      return sent.length === 1
    })
    await closing
    expect(sent[0]?.by).toBe('b')
    expect(clock.now() - START_MS).toBeLessThan(21 * MINUTE_MS)
  })
})

test('a leader of which Kafka has not heard for a session sends nothing', async () => {
  await onSchedules(async ({ start, leader, advance, sent, broker }) => {
    const { schedules } = await start('a')
    await leader()
    broker.disconnect()
    expect(schedules.status().isLeading).toBe(false)
    await advance(20.5)
    expect(sent).toEqual([])
    broker.reconnect()
    await until('it leads again, and sends', async () => {
      await advance(1 / 60)
      return sent.length === 1
    })
  })
})

test('a run that somebody asks for is made once, by the node that leads, between the scheduled ones', async () => {
  await onSchedules(async ({ start, leader, advance, sent, clock }) => {
    for (const name of ['a', 'b', 'c']) await start(name)
    const led = await leader()
    await advance(5)
    const asked = { v: 1, scheduledMs: clock.now(), state: 'asked', by: 'ana', atMs: clock.now() } as const
    await led.log.write({ kind: 'asked', schedule: 'popular' }, asked)
    await until('it is sent', () => sent.length === 1)
    await advance(15)
    await until('the scheduled one is sent, too', () => sent.length === 2)
    expect(sent.map(({ by }) => by)).toEqual([led.name, led.name])
    expect(new Set(sent.map(({ request }) => request.requestId)).size).toBe(2)
  })
})

test('a run whose requests are sent is not made again when the group rebalances while nodes carry it out', async () => {
  await onSchedules(async ({ start, leader, advance, sent }) => {
    const { log } = await start('a')
    await leader()
    await advance(20)
    await until('it is noted as done', () => log.last({ kind: 'scheduled', schedule: 'popular' })?.state === 'done')
    for (const name of ['b', 'c']) await start(name)
    await leader()
    await advance(5)
    await (await leader()).close()
    await leader()
    await advance(20)
    expect(sent).toHaveLength(1)
  })
})
