import { createNode } from '../index.ts'
import { spread } from './spread.ts'

const node = await createNode({ detectors: [spread] })
await node.start()
console.log('reading prices.example; Ctrl-C ends it')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => node.close())
