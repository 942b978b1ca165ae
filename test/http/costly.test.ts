import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { Costly } from '../../src/http/costly.ts'

/** What Costly needs of a response: whether its caller is still there, and when it has the answer. */
function response(): ServerResponse & { destroyed: boolean } {
  return Object.assign(new EventEmitter(), { destroyed: false }) as unknown as ServerResponse & { destroyed: boolean }
}

describe('what takes long', () => {
  test('is made for four callers at once, 32 wait, and further ones are refused', async () => {
    const costly = new Costly()
    const made: number[] = []
    const responses = Array.from({ length: 40 }, response)
    const answers = responses.map((each, i) => costly.run(each, () => made.push(i)))
    // One rests after the first, so that the other 39 come while it is busy.
    expect(await Promise.all(answers.slice(33))).toEqual(Array.from({ length: 7 }, () => undefined))
    for (const [i, each] of responses.slice(0, 33).entries()) {
      expect(await answers[i]).toBe(i + 1)
      each.emit('close')
    }
    expect(made).toHaveLength(33)
  })

  test('is not made for a caller that has gone while it waited', async () => {
    const costly = new Costly()
    const [first, gone, last] = [response(), response(), response()]
    const answers = [first, gone, last].map((each) => costly.run(each, () => 'made'))
    gone.destroyed = true
    expect(await Promise.all(answers)).toEqual(['made', undefined, 'made'])
  })
})
