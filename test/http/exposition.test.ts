import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Exposition } from '../../src/http/routes/exposition.ts'

const OPEN = 'application/openmetrics-text'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.useRealTimers()
})

function counting(): { readonly exposition: Exposition; readonly made: () => number } {
  let made = 0
  const metrics = async (accept: string | undefined) => {
    made++
    return { body: `${accept} ${made}`, contentType: 'text/plain' }
  }
  return { exposition: new Exposition({ metrics }), made: () => made }
}

describe('the exposition', () => {
  test('is made once a second, and all callers get the same memory', async () => {
    const counted = counting()
    const replies = await Promise.all(Array.from({ length: 100 }, () => counted.exposition.get(undefined)))
    jest.advanceTimersByTime(999)
    const last = await counted.exposition.get('text/plain')
    expect([counted.made(), new Set([...replies, last].map(({ body }) => body)).size]).toEqual([1, 1])
    jest.advanceTimersByTime(1)
    await counted.exposition.get(undefined)
    expect(counted.made()).toBe(2)
  })

  test('is made once a second in each form, whatever else Accept says', async () => {
    const counted = counting()
    for (let i = 0; i < 100; i++) {
      await counted.exposition.get(`text/plain;q=0.${i}`)
      await counted.exposition.get(`${OPEN};x=${i}`)
    }
    expect(counted.made()).toBe(2)
  })
})
