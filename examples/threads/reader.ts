import { setTimeout as wait } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import { attachPrices, type SharedPrices } from '../../index.ts'

const { name, prices: shared } = workerData as { readonly name: string; readonly prices: SharedPrices }
const prices = attachPrices(shared)

/** How many new prices the thread waits for. */
const ENOUGH = 5
let version = 0
for (let seen = 0; seen < ENOUGH; await wait(1)) {
  const weth = prices.get('ethereum', 'WETH/USDC', { maxAgeMs: 5_000 })
  if (typeof weth === 'string' || weth.version === version) continue
  version = weth.version
  seen++
}
const { hits, misses } = prices.stats()
console.log(`${name}: ${ENOUGH} prices of WETH/USDC, each newer than the one before; ${hits} hits, ${misses} misses`)
