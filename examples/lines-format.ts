import { format } from '../index.ts'

/** Reads lines such as `ETH-USD 3120.5 1783670400123`; pass it to `createNode({ formats: [lines] })`. */
export const lines = format('lines.example', ({ value }) => {
  const [pair = '', price, atMs] = `${value}`.split(' ')
  if (pair === 'PING') return 'skip'
  return { pair, chain: 'lines', price: Number(price), eventTimeMs: Number(atMs) }
})
