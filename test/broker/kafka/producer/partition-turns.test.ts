import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PartitionTurns } from '../../../../src/broker/kafka/producer/partition-turns.ts'

test('calls that share a partition go one after the other, in the order in which they came', async () => {
  const { turns, story, call } = newTurns()
  const first = call('first', [0, 1])
  const second = call('second', [1, 2])
  const third = call('third', [2, 3])
  await turn()
  expect(story).toEqual(['first'])
  first.finish()
  await turn()
  expect(story).toEqual(['first', 'second'])
  second.finish()
  await turn()
  expect(story).toEqual(['first', 'second', 'third'])
  third.finish()
  await turns.idle()
  expect(turns.pending).toBe(0)
})

test('calls that share no partition run at once', async () => {
  const { turns, story, call } = newTurns()
  const calls = [call('a', [0]), call('b', [1]), call('c', [2])]
  await turn()
  expect(story).toEqual(['a', 'b', 'c'])
  for (const { finish } of calls) finish()
  await turns.idle()
})

test('equal partitions of two topics do not wait for each other', async () => {
  const { turns, story, call } = newTurns()
  const calls = [call('a', [0], 'one'), call('b', [0], 'two')]
  await turn()
  expect(story).toEqual(['a', 'b'])
  for (const { finish } of calls) finish()
  await turns.idle()
})

test('a call that fails does not fail the next one', async () => {
  const turns = new PartitionTurns()
  const partitions = new Set([0])
  const failed = turns.take('t', partitions, () => Promise.reject(new Error('no')))
  const fine = turns.take('t', partitions, () => Promise.resolve())
  await expect(failed).rejects.toThrow('no')
  await expect(fine).resolves.toBeUndefined()
})

test('idle resolves for all callers when no call runs', async () => {
  const { turns, call } = newTurns()
  await turns.idle()
  const only = call('only', [0])
  const waiting = [turns.idle(), turns.idle()]
  only.finish()
  await Promise.all(waiting)
  expect(turns.pending).toBe(0)
})

test('two calls of one partition never run at once and keep their order, however long they take', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ partitions: fc.uniqueArray(fc.nat(4), { minLength: 1 }), ticks: fc.nat(3), fails: fc.boolean() }),
      ),
      async (calls) => {
        const turns = new PartitionTurns()
        const busy = new Set<number>()
        const done = new Map<number, number[]>()
        const sends = calls.map(({ partitions, ticks, fails }, index) =>
          turns
            .take('t', new Set(partitions), async () => {
              for (const partition of partitions) {
                expect(busy.has(partition)).toBe(false)
                busy.add(partition)
                done.set(partition, [...(done.get(partition) ?? []), index])
              }
              for (let tick = 0; tick < ticks; tick++) await turn()
              for (const partition of partitions) busy.delete(partition)
              if (fails) throw new Error('failed')
            })
            .catch(() => undefined),
        )
        await Promise.all(sends)
        for (const order of done.values()) expect(order).toEqual(order.toSorted((a, b) => a - b))
        expect(turns.pending).toBe(0)
      },
    ),
  )
})

function newTurns() {
  const turns = new PartitionTurns()
  const story: string[] = []
  const call = (name: string, partitions: readonly number[], topic = 't') => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const sent = turns.take(topic, new Set(partitions), () => {
      story.push(name)
      return promise
    })
    return { sent, finish: () => resolve() }
  }
  return { turns, story, call }
}

function turn(): Promise<void> {
  return new Promise(setImmediate)
}
