import { createNode } from '../../node/node.ts'
import type { Overrides } from '../../src/config/settings.ts'
import { detector } from '../../src/detect/detector.ts'

/** A node in a process of its own, which can be killed. It remembers what it reads, and says when it runs and where it is asked. */
const config: Overrides = JSON.parse(process.argv[2] ?? '')
const reader = detector('reader', {}, ({ chain, pair }, prices) => {
  prices.get(chain, pair)
})
const node = await createNode({ env: {}, logLevel: 'error', config, detectors: [reader] })
await node.start()
process.send?.({ id: node.id, port: node.httpPort })
process.once('disconnect', () => {
  void node.close()
})
