import { beforeEach, describe, expect, test } from '@jest/globals'
import { createLoop, type DeadLetter, type RecordHandler } from '../../consumers/loop.ts'
import { settled } from '../harness/manual-timer.ts'
import { batchOf, newContext } from './batch.ts'

/** A handler that does what the text of a record says, and notes it. */
class ScriptedHandler implements RecordHandler {
  readonly log: string[] = []
  readonly #gates: PromiseWithResolvers<void>[] = []

  handle(batch: Parameters<RecordHandler['handle']>[0], from: number): number | Promise<number> {
    const text = String(batch.value(from))
    this.log.push(text)
    if (text === 'throw') throw new Error('boom')
    if (text === 'reject') return Promise.reject(new Error('boom'))
    if (text === 'later') return settled().then(() => from + 1)
    if (text === 'wait') return this.#gate().then(() => from + 1)
    return text === 'two' ? from + 2 : from + 1
  }

  async settle(): Promise<void> {
    this.log.push('settled')
  }

  async open(): Promise<void> {
    this.#gates.shift()?.resolve()
    await settled()
  }

  #gate(): Promise<void> {
    const gate = Promise.withResolvers<void>()
    this.#gates.push(gate)
    return gate.promise
  }
}

let handler: ScriptedHandler
let letters: DeadLetter[]
let faults: unknown[]
let loop: ReturnType<typeof createLoop>

beforeEach(() => {
  handler = new ScriptedHandler()
  letters = []
  faults = []
  loop = createLoop({
    handlerOf: () => handler,
    deadLetters: async (letter) => {
      letters.push(letter)
    },
    onFault: (error) => faults.push(error),
  })
})

function texts(...values: string[]) {
  return batchOf(values.map((value) => ({ value })))
}

/** Takes longer than records may be handled before the event loop turns. */
function spin(): void {
  const endMs = performance.now() + 6
  while (performance.now() < endMs);
}

describe('the loop', () => {
  test('lets the event loop turn between records that take long, whichever partition has them', async () => {
    const order: string[] = []
    const busy: RecordHandler = {
      handle: (batch, from) => {
        order.push(`${batch.partition}`)
        spin()
        return from + 1
      },
      settle: async () => undefined,
    }
    const busyLoop = createLoop({ handlerOf: () => busy, deadLetters: async () => {}, onFault: () => {} })
    setImmediate(() => order.push('turn'))
    const batches = [0, 1].map((partition) => batchOf([{ value: 'a' }, { value: 'b' }], { partition }))
    expect(await Promise.all(batches.map((batch) => busyLoop(batch, newContext())))).toEqual([2, 2])
    expect(order).toHaveLength(5)
    expect(order.indexOf('turn')).toBe(1)
  })

  test('hands out nothing more once it was told to end while the event loop turned', async () => {
    const ending = new AbortController()
    const busy: RecordHandler = {
      handle: (_, from) => {
        spin()
        setImmediate(() => ending.abort())
        return from + 1
      },
      settle: async () => undefined,
    }
    const busyLoop = createLoop({ handlerOf: () => busy, deadLetters: async () => {}, onFault: () => {} })
    const context = { ...newContext(), signal: ending.signal }
    expect(await busyLoop(texts('a', 'b', 'c'), context)).toBeLessThan(3)
  })

  test('goes on after the last handled record, and ends when the work that was started is done', async () => {
    expect(await loop(texts('a', 'two', 'skipped', 'later', 'b'), newContext())).toBe(5)
    expect(handler.log).toEqual(['a', 'two', 'later', 'b', 'settled'])
  })

  test('handles no record of an empty batch', async () => {
    expect(await loop(texts(), newContext())).toBe(0)
    expect(handler.log).toEqual(['settled'])
  })

  test.each(['throw', 'reject'])(
    'makes a dead letter of a record that makes its handler %s, and goes on',
    async (how) => {
      const batch = texts('a', how, 'b')
      expect(await loop(batch, newContext())).toBe(3)
      expect(handler.log).toEqual(['a', how, 'b', 'settled'])
      expect(letters).toEqual([{ batch, index: 1, reason: 'handler-fault', detail: 'Error: boom' }])
      expect(faults).toEqual([expect.objectContaining({ message: 'boom' })])
    },
  )

  test('stops when its partition is taken away, and returns how far it came', async () => {
    const context = newContext()
    const done = loop(texts('a', 'wait', 'b'), context)
    await settled()
    context.abort()
    await handler.open()
    expect(await done).toBe(2)
    expect(handler.log).toEqual(['a', 'wait', 'settled'])
  })

  test('starts a batch of a partition when the one before it has ended', async () => {
    const first = loop(texts('wait'), newContext())
    const second = loop(texts('b'), newContext())
    await settled()
    expect(handler.log).toEqual(['wait'])
    await handler.open()
    expect([await first, await second]).toEqual([1, 1])
    expect(handler.log).toEqual(['wait', 'settled', 'b', 'settled'])
  })

  test('lets batches of different partitions overlap', async () => {
    const first = loop(texts('wait'), newContext())
    expect(await loop(batchOf([{ value: 'b' }], { partition: 1 }), newContext())).toBe(1)
    await handler.open()
    expect(await first).toBe(1)
  })

  test('goes on with a partition whose last batch failed to settle', async () => {
    handler.settle = () => Promise.reject(new Error('a bug'))
    await expect(loop(texts('a'), newContext())).rejects.toThrow('a bug')
    handler.settle = async () => undefined
    expect(await loop(texts('b'), newContext())).toBe(1)
  })
})
