import { detector } from '../index.ts'

const OTHER = new Map([
  ['WETH/USDC', 'WETH/USDT'],
  ['WETH/USDT', 'WETH/USDC'],
])

/** Reports when WETH costs over half a per cent more in one currency than in the other. */
export const spread = detector('spread', { topics: ['prices.example'], chains: ['ethereum'] }, (update, prices) => {
  const pair = OTHER.get(update.pair)
  if (pair === undefined) return
  const other = prices.get('ethereum', pair, { maxAgeMs: 500 })
  if (typeof other === 'string') return
  const percent = (update.price / other.price - 1) * 100
  if (percent > 0.5) console.log(`${update.pair} is ${percent.toFixed(2)} % above ${pair}, ${other.ageMs} ms old`)
  if (percent < -0.5) console.log(`${update.pair} is ${(-percent).toFixed(2)} % below ${pair}, ${other.ageMs} ms old`)
})
