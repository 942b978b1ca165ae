import { expect } from '@jest/globals'
import { startStack } from '../../deploy/stack/stack.ts'
import { forewarm, startForewarm } from '../bin/forewarm-process.ts'
import { testWithJava } from '../harness/java.ts'
import { until } from '../harness/until.ts'

testWithJava('tail goes on where it was after the broker was killed and came back, and says both', async () => {
  const stack = await startStack({ redis: false })
  const env = { KAFKA_BROKERS: stack.brokers.join(','), PRICE_TOPICS: 'prices' }
  const produce = async (...pairs: readonly string[]) => {
    const lines = pairs.map((pair) => JSON.stringify({ pair, chain: 'c', price: 1, eventTimeMs: Date.now() }))
    const produced = await forewarm(['produce', '-'], { env, stdin: `${lines.join('\n')}\n` })
    expect(produced).toMatchObject({ code: 0, stdout: expect.stringContaining(`produced ${pairs.length} `) })
  }
  try {
    expect(await forewarm(['topics', 'create', '--partitions', '1'], { env })).toMatchObject({ code: 0 })
    await produce('A', 'B')
    const { child, ended } = startForewarm(['tail', 'prices', '--from-beginning'], { env })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.on('data', (chunk) => {
        said[name] += chunk
      })
    await until('the first ones are shown', () => said.stdout.includes('  B  '))
    await stack.killBroker(0)
    await until('it says that Kafka is away', () => said.stderr.includes('kafka: '))
    await stack.startBroker(0)
    await produce('C', 'D')
    await until('the later ones are shown', () => said.stdout.includes('  D  '))
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await ended
    expect([...stdout.matchAll(/ {2}c {2}(\w) {2}/g)].map(([, pair]) => pair)).toEqual(['A', 'B', 'C', 'D'])
    expect(stderr).toContain('kafka: reconnected')
    expect(code).toBe(130)
  } finally {
    await stack.stop()
  }
})
