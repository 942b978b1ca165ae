import { createWarmPublisher } from '../index.ts'

const warm = await createWarmPublisher()
const receipt = await warm.request({
  chain: 'ethereum',
  pairs: ['WETH/USDC', 'WETH/USDT', 'WETH/DAI'],
  priority: 'high',
  reason: 'about to look at them',
  wait: true,
})
if (receipt.status === 'answered') {
  const { status, node, warmed, alreadyInL1, notFound } = receipt.result
  console.log(`${status} by ${node}: ${warmed} warmed, ${alreadyInL1} in L1 already, ${notFound} not found`)
} else {
  console.log('no node has answered in time')
}
await warm.close()
