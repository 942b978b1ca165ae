import { once } from 'node:events'
import { open, openSync, writeSync } from 'node:fs'
import { createMemoryBroker, createNode } from '../../index.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'

/**
 * A process with a node, whose event loop does what the second argument says. The first is WATCHDOG_MS. The third is a
 * pipe that nobody writes to, so that opening it takes for ever.
 */
const [watchdogMs, does, pipe = ''] = process.argv.slice(2)

const STAYS_MS = 1_000
const STANDARD_ERROR = 2

const broker = createMemoryBroker()
await withAdmin(broker, (admin) => admin.createTopics([{ topic: 'prices.test', partitions: 1 }]))
const node = await createNode({
  broker,
  l2: 'memory',
  env: {},
  logLevel: 'silent',
  config: { node: { watchdogMs: Number(watchdogMs) }, http: { port: 0 } },
})
await node.start()
const ended = once(process, 'SIGTERM')
process.stdout.write('started\n')
switch (does) {
  case 'spins':
    for (;;);
  case 'awaits for ever':
    for (;;) await undefined
  case 'waits in a system call':
    openSync(pipe, 'r')
    break
  case 'writes for ever':
    for (;;) write()
  case 'spins while a file is opened':
    open(pipe, 'r', () => undefined)
    for (;;);
  case 'waits in a system call while a file is opened':
    open(pipe, 'r', () => undefined)
    openSync(pipe, 'r')
    break
  case 'runs until SIGTERM': {
    const stays = setInterval(() => undefined, STAYS_MS)
    await ended
    clearInterval(stays)
  }
}
await node.close()
await node.close()
await broker.close()

function write(): void {
  try {
    writeSync(STANDARD_ERROR, Buffer.alloc(65_536))
  } catch {
    // The pipe is full.
  }
}
