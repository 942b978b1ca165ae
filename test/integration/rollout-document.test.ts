import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { forewarm } from '../bin/forewarm-process.ts'
import { kafkaBrokers } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { onKafka } from '../node/kafka-stage.ts'
import { get } from '../node/scrape.ts'

const DOCUMENT = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/rollout.md'), 'utf8')

/** The arguments of the commands that the document shows in blocks. */
const COMMANDS = [...DOCUMENT.matchAll(/^forewarm (.+)$/gm)].map(([, line = '']) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
)

test('every command of docs/rollout.md is carried out, in their order, and the node follows to the end', () =>
  onKafka({}, async (stage) => {
    const node = await stage.startNode({ config: { warming: { rollout: 'shadow' } } })
    const env = {
      KAFKA_BROKERS: kafkaBrokers().join(','),
      FOREWARM_SERVICE: stage.service,
      CONTROL_TOPIC: stage.topics.control,
    }
    const modes: string[] = []
    for (const args of COMMANDS) {
      const { code, stderr } = await forewarm(args, { env })
      expect({ args, code, ...(code !== 0 && { stderr }) }).toEqual({ args, code: 0 })
      const { body } = await get(node, '/rollout')
      modes.push(JSON.parse(body).effective_mode)
    }
    expect(COMMANDS.length).toBeGreaterThan(14)
    await until('the node follows the last', () => node.rollout.status().mode === 'off')
    expect(node.rollout.status()).toMatchObject({ set: { reason: 'back: off', killed: false }, offBecause: undefined })
    expect(node.getConfig().origins.WARMING_STRATEGY).not.toBe('control')
    expect(new Set(modes)).toEqual(new Set(['shadow', 'canary', 'full', 'off']))
  }))
