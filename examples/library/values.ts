import { createCache } from '../../index.ts'

interface Book {
  readonly bids: readonly (readonly [price: number, size: number])[]
  readonly note?: string
}

const l2Enabled = process.env.REDIS_URL !== undefined
const cache = await createCache<Book>({ usePriceMatrix: false, l2Enabled, chain: 'books', maxValueBytes: 64 * 1024 })
cache.set('BTC-USD', { bids: [[60_000, 1.5]] }) // Other processes read it from Redis,
const book = await cache.getOrLoad('BTC-USD', { maxAgeMs: 5_000 }) // and this one reads what they set.
if (typeof book === 'object') console.log(`the best bid is ${book.value.bids[0]?.[0]}`)

const long = 'x'.repeat(70_000)
console.log(`a long note: ${cache.set('BTC-USD', { bids: [], note: long })}`) // The book before it stays.
try {
  cache.set('BTC-USD', { bids: [[Number.NaN, 1]] }) // JSON would make it null.
} catch (error) {
  console.log(`${error}`)
}
console.log(`deleted for all: ${await cache.delete('BTC-USD')}; now it is ${await cache.getOrLoad('BTC-USD')}`)
await cache.close()
