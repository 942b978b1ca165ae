import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { brokerSettings } from '../../deploy/stack/kafka-node.ts'
import { composeProblems } from './compose-schema.ts'

const source = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
const compose = parse(source, { strict: true, uniqueKeys: true })

/** Settings that differ on purpose: addresses and folders, and those for a single process on a small machine. */
const OWN_TO_EACH = [
  'advertised.listeners',
  'broker.heartbeat.interval.ms',
  'broker.session.timeout.ms',
  'controller.quorum.voters',
  'listeners',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.backoff.ms',
  'log.dirs',
  'num.io.threads',
  'num.network.threads',
]

test('the compose file keeps to the specification, pins its images and listens on the loopback only', () => {
  expect(composeProblems(compose)).toEqual([])
})

test('the compose file runs Kafka 4.1 and Redis 7, as the local stack does', () => {
  expect(compose.services.kafka.image).toBe('apache/kafka:4.1.0')
  expect(compose.services.redis.image).toBe('redis:7.0.15')
  expect(Object.keys(compose.services)).toEqual(['kafka', 'redis'])
})

test('the broker of the compose file has the settings of the local stack', () => {
  const node = { id: 1, port: 9092, controllerPort: 9093, dir: '/' }
  const { environment } = compose.services.kafka
  const local = Object.entries(brokerSettings(node, [node])).filter(([name]) => !OWN_TO_EACH.includes(name))
  const inCompose = local.map(([name]) => [name, environment[`KAFKA_${name.replaceAll('.', '_').toUpperCase()}`]])
  expect(inCompose).toEqual(local.map(([name, value]) => [name, String(value)]))
})

describe('the check of the compose file refuses', () => {
  const changed = (change: (document: typeof compose) => void): string[] => {
    const copy = structuredClone(compose)
    change(copy)
    return composeProblems(copy)
  }

  test('a key that Compose does not know', () => {
    const problems = changed((it) => {
      it.services.kafka.enviroment = {}
    })
    expect(problems).toEqual(['compose.services.kafka.enviroment: unknown key'])
  })

  test.each(['apache/kafka', 'apache/kafka:latest', 'redis:7'])('the image %s, which is not pinned', (image) => {
    const problems = changed((it) => {
      it.services.redis.image = image
    })
    expect(problems).toEqual([`compose.services.redis.image: ${image} is not allowed`])
  })

  test.each(['9092:9092', '0.0.0.0:9092:9092'])('the port %s, which is open to the network', (port) => {
    const problems = changed((it) => {
      it.services.kafka.ports = [port]
    })
    expect(problems).toEqual([`compose.services.kafka.ports[0]: ${port} is not allowed`])
  })

  test('a service without a health check', () => {
    const problems = changed((it) => {
      delete it.services.redis.healthcheck
    })
    expect(problems).toEqual(['compose.services.redis.healthcheck: missing'])
  })

  test('a volume that is not declared', () => {
    const problems = changed((it) => {
      delete it.volumes['redis-data']
    })
    expect(problems).toEqual(['compose.services.redis.volumes: redis-data is not declared'])
  })

  test('a setting that is not text', () => {
    const problems = changed((it) => {
      it.services.kafka.environment.KAFKA_AUTO_CREATE_TOPICS_ENABLE = false
    })
    expect(problems).toEqual(['compose.services.kafka.environment.KAFKA_AUTO_CREATE_TOPICS_ENABLE: not text'])
  })
})
