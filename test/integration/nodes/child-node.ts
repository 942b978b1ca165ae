import type { Overrides } from '../../../src/config/settings.ts'

/** A node in a process of its own, which can be killed: it gets its settings as JSON, and says when it reads. */
const { createNode } = await import('../../../node/node.ts')
const config: Overrides = JSON.parse(process.argv[2] ?? '')
const node = await createNode({ env: {}, logLevel: 'error', config })
await node.start()
process.send?.('started')
process.once('disconnect', () => {
  void node.close()
})
