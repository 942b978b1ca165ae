import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { Costly } from '../../src/http/admission/costly.ts'

/** What Costly needs of a response: whether its caller is still there, and when it has the answer. */
function response(): ServerResponse & { destroyed: boolean } {
  return Object.assign(new EventEmitter(), { destroyed: false }) as unknown as ServerResponse & { destroyed: boolean }
}

describe('what takes long', () => {
  test('is made for four callers at once, 32 wait, and further ones are refused', async () => {
    const costly = new Costly()
    const responses = Array.from({ length: 40 }, response)
    const admitted = responses.map((each) => costly.admit(each))
    // One rests after the first, so that the other 39 come while it is busy.
    expect(await Promise.all(admitted.slice(33))).toEqual(Array.from({ length: 7 }, () => false))
    for (const [i, each] of responses.slice(0, 33).entries()) {
      expect(await admitted[i]).toBe(true)
      each.emit('close')
    }
  })

  test('is not made for a caller that has gone while it waited', async () => {
    const costly = new Costly()
    const [first, gone, last] = [response(), response(), response()]
    const admitted = [first, gone, last].map((each) => costly.admit(each))
    gone.destroyed = true
    expect(await Promise.all(admitted)).toEqual([true, false, true])
  })

  test('is begun by no second caller in the same turn of the event loop', async () => {
    const costly = new Costly()
    const order: string[] = []
    const note = (what: string) => () => order.push(what)
    const both = [response(), response()].map((each, i) => costly.admit(each).then(note(`${i}`)))
    setImmediate(note('turn'))
    await Promise.all(both)
    expect(order).toEqual(['0', 'turn', '1'])
  })
})
