import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { detector } from '../../../src/detect/detector.ts'
import { forewarm, OWN_TOPICS, startForewarm } from '../../bin/forewarm-process.ts'
import type { Seen } from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { metricValue } from '../../node/scrape.ts'
import { header, type Stage } from '../../node/stage.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-formats-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Writes the formats to the settings file of the test's folder. Returns its path. */
async function settings(formats: object): Promise<string> {
  const file = join(folder, 'forewarm.config.json')
  await writeFile(file, JSON.stringify({ formats }))
  return file
}

const LAST = { chain: { const: 'v' }, pair: 'sym', price: 'last', eventTimeMs: { path: 'at', unit: 'iso' } }

const lastOf = (rest: object = {}) => JSON.stringify({ last: '5.25', at: new Date().toISOString(), ...rest })

async function create(stage: Stage, topics: readonly string[]): Promise<void> {
  await stage.admin.createTopics(topics.map((topic) => ({ topic, partitions: 1 })))
}

describe('the topics of somebody else', () => {
  test('one for each symbol, are read by one pattern, and so is one that comes while the node runs', async () => {
    await onKafka({}, async (stage) => {
      const prefix = uniqueName('ticker')
      const configFile = await settings({
        [`/^${prefix}-(?<venue>[^-]+)-(?<pair>.+)$/`]: {
          chain: { topic: 'venue' },
          pair: { topic: 'pair', case: 'upper' },
          price: 'last',
          eventTimeMs: { path: 'at', unit: 'iso' },
        },
      })
      const topics = ['eth-usd', 'btc-usd'].map((pair) => `${prefix}-x-${pair}`)
      await create(stage, topics)
      const handled: PriceUpdate[] = []
      await stage.startNode({
        configFile,
        start: 'earliest',
        detectors: [detector('all', {}, (update) => void handled.push(update))],
        config: { kafka: { priceTopics: new RegExp(`^${prefix}-`), metadataAgeMs: 200 } },
      })
      const names = () => new Set(handled.map(({ chain, pair, price }) => `${chain} ${pair} ${price}`))
      for (const topic of topics) await stage.producer.sendBatch(topic, [{ partition: 0, value: lastOf() }])
      await until('both symbols are read', () => names().size === 2)
      const late = `${prefix}-y-sol-usd`
      await create(stage, [late])
      await stage.producer.sendBatch(late, [{ partition: 0, value: lastOf() }])
      await until('so is the new one', () => names().size === 3)
      expect([...names()].sort()).toEqual(['x BTC-USD 5.25', 'x ETH-USD 5.25', 'y SOL-USD 5.25'])
    })
  })

  test('are shown by tail and checked by format check as the node reads them', async () => {
    await onKafka({}, async (stage) => {
      const configFile = await settings({
        [stage.topic]: {
          updates: 'ticks',
          chain: { const: 'v' },
          pair: 'sym',
          price: 'last',
          eventTimeMs: { outer: 'at', unit: 'iso' },
          skip: { path: 'type', equals: 'heartbeat' },
        },
      })
      const ticks = [
        { sym: 'A', last: 1 },
        { sym: 'B', last: 2 },
      ]
      const values = [lastOf({ ticks }), lastOf({ type: 'heartbeat' }), lastOf({ ticks: [{ sym: 'A', last: 'x' }] })]
      await stage.produceRecords(...values.map((value) => ({ partition: 0, value })))
      const env = { KAFKA_BROKERS: kafkaBrokers().join(',') }
      const tail = await forewarm(['tail', stage.topic, '--no-follow', '--json', '--config', configFile], { env })
      const kinds = tail.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(kinds).toMatchObject([
        { kind: 'prices', updates: [{ pair: 'A' }, { pair: 'B' }] },
        { kind: 'skipped' },
        { kind: 'other' },
      ])
      const check = await forewarm(['format', 'check', stage.topic, '--json', '--config', configFile], { env })
      expect([check.code, JSON.parse(check.stdout)]).toMatchObject([
        1,
        {
          records: 3,
          updates: 2,
          pairs: 2,
          skipped: 1,
          refused: [{ reason: 'wrong-type', records: 1, first: { offset: '2' } }],
        },
      ])
      const node = await stage.startNode({
        configFile,
        start: 'earliest',
        detectors: [detector('none', {}, () => undefined)],
      })
      await until(
        'the node has read them',
        async () => (await metricValue(node, 'arbitrage_price_updates_total')) === 2,
      )
      await stage.deadLetters(1)
    })
  })

  test('have formats that format infer proposes from their records', async () => {
    await onKafka({}, async (stage) => {
      const ticks = (at: number) => [
        { sym: 'A', last: at },
        { sym: 'B', last: `${at}.5` },
      ]
      const values = Array.from({ length: 20 }, (_, at) =>
        lastOf(at === 7 ? { type: 'heartbeat' } : { ticks: ticks(at) }),
      )
      await stage.produceRecords(...values.map((value) => ({ partition: 0, value })))
      const env = { KAFKA_BROKERS: kafkaBrokers().join(',') }
      const infer = await forewarm(['format', 'infer', stage.topic, '--json'], { env, cwd: folder })
      expect([infer.code, JSON.parse(infer.stdout)]).toMatchObject([
        0,
        {
          mapping: { updates: 'ticks', pair: 'sym', price: 'last', eventTimeMs: { outer: 'at', unit: 'iso' } },
          report: { records: 20, updates: 38, skipped: 1, refused: [] },
        },
      ])
    })
  })

  test('are recorded as they are, replayed into another topic as they are, and written out in our own format', async () => {
    await onKafka({}, async (stage) => {
      const skip = { path: 'type', equals: 'heartbeat' }
      const config = await settings({ [stage.topic]: { ...LAST, skip } })
      const sent = [lastOf({ sym: 'A' }), lastOf({ type: 'heartbeat' }), lastOf({ sym: 'B' })]
      await stage.produceRecords(...sent.map((value) => ({ partition: 0, value })))
      const env = { KAFKA_BROKERS: kafkaBrokers().join(',') }
      const file = join(folder, 'records.fwr.ndjson')
      const recorded = await forewarm(['record', stage.topic, '-o', file, '--json', '--config', config], { env })
      expect([recorded.code, recorded.stderr]).toEqual([0, expect.anything()])
      const written = await forewarm(['replay', file, '--stdout', '--config', config], { env })
      expect(
        written.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { pair: 'A', chain: 'v', price: 5.25 },
        { pair: 'B', chain: 'v', price: 5.25 },
      ])
      const copy = uniqueName('copy')
      const copied = await forewarm(['replay', file, '--to', copy, '--pairs', 'B', '--json', '--config', config], {
        env,
      })
      expect(copied.code).toBe(0)
      const seen = await stage.watch(copy, 'earliest')
      await until('the copy is there', () => seen.length === 1)
      expect(`${seen[0]?.value}`).toBe(sent[2])
    })
  })

  test('are written by produce as the lines are, and read by the node with what the mapping keeps', async () => {
    await onKafka({ partitions: 2 }, async (stage) => {
      const mapping = { ...LAST, skip: { path: 'type', equals: 'heartbeat' }, extra: { size: 'q' } }
      const configFile = await settings({ [stage.topic]: mapping })
      const lines = [`{"last":"5.250", "at":"${new Date().toISOString()}" , "sym":"A","q":1}`, '{"type":"heartbeat"}']
      await writeFile(join(folder, 'lines.ndjson'), lines.join('\r\n'))
      const args = ['produce', 'lines.ndjson', '--topic', stage.topic, '--json', '--config', configFile]
      const produced = await forewarm(args, { env: { KAFKA_BROKERS: kafkaBrokers().join(',') }, cwd: folder })
      expect([produced.code, JSON.parse(produced.stdout)]).toMatchObject([0, { produced: 2, format: stage.topic }])
      const handled: PriceUpdate[] = []
      const detectors = [detector('all', {}, (update) => void handled.push(update))]
      await stage.startNode({ configFile, start: 'earliest', detectors })
      await until('the line is read', () => handled.length === 1)
      expect(handled).toMatchObject([{ pair: 'A', price: 5.25, extra: { size: 1 } }])
      const written = await stage.watch(stage.topic, 'earliest')
      await until('both are seen', () => written.length === 2)
      expect(written.map(({ value, key }) => [`${value}`, key && `${key}`])).toEqual([
        [lines[0], 'A'],
        [lines[1], undefined],
      ])
    })
  })

  test('have dead letters that keep what came, byte by byte, and the record after them is read', async () => {
    await onKafka({}, async (stage) => {
      const configFile = await settings({ [stage.topic]: LAST })
      const bad = [
        { value: Buffer.from([0xff, 0x00, 0x7b]), key: Buffer.from([0xfe]), reason: 'not-json' },
        { value: Buffer.from(` ${lastOf({ sym: 'B', last: '5,25' })}\t`), key: undefined, reason: 'wrong-type' },
        { value: Buffer.alloc(0), key: Buffer.from('empty'), reason: 'not-json' },
      ]
      const headers = [
        ['venue', Buffer.from('v')],
        ['venue', Buffer.from('twice')],
      ] as const
      await stage.produceRecords(
        ...bad.map(({ value, key }) => ({ partition: 0, value, headers, ...(key !== undefined && { key }) })),
        { partition: 0, value: lastOf({ sym: 'C' }) },
      )
      const handled: string[] = []
      const detectors = [detector('all', {}, ({ pair }) => void handled.push(pair))]
      await stage.startNode({ configFile, start: 'earliest', detectors })
      await until('the record after them is read', () => handled.at(-1) === 'C')
      const letters = await stage.deadLetters(bad.length)
      const ofLetter = (letter: Seen) => ({
        value: letter.value,
        key: letter.key,
        reason: header(letter, 'forewarm-error-code'),
      })
      expect(letters.map(ofLetter)).toEqual(bad)
      for (const letter of letters)
        expect(letter.headers.slice(0, 2)).toEqual(headers.map(([name, bytes]) => [name, `${bytes}`]))
    })
  })

  test('are read by run and tail with the formats of a module, which may be that of the detectors, too', async () => {
    await onKafka({}, async (stage) => {
      const index = new URL('../../../index.ts', import.meta.url).href
      const module = join(folder, 'lines.ts')
      const seen = join(folder, 'seen.txt')
      await writeFile(
        module,
        `import { appendFileSync } from 'node:fs'
        import { detector, format } from '${index}'
        export const lines = format('${stage.topic}', ({ value }) => {
          const [pair = '', price] = String(value).split(' ')
          return { pair, chain: 'lines', price: Number(price), eventTimeMs: Date.now() }
        })
        export const all = detector('all', {}, ({ pair, price }) => appendFileSync(${JSON.stringify(seen)}, pair + price))`,
      )
      const env = { KAFKA_BROKERS: kafkaBrokers().join(','), ...OWN_TOPICS, FOREWARM_SERVICE: stage.service }
      const ofNode = { ...env, PRICE_TOPICS: stage.topic, CACHE_L2_ENABLED: 'false', METRICS_PORT: '0' }
      await stage.produceRecords({ partition: 0, value: 'A 1.5' })
      const args = ['run', '--start', 'earliest', '--detectors', module, '--formats', module]
      const { child, ended } = startForewarm(args, { env: ofNode })
      await until('the node has read the line', () => existsSync(seen) && readFileSync(seen, 'utf8') === 'A1.5')
      child.kill('SIGTERM')
      expect(await ended).toMatchObject({ code: 0 })
      const tail = await forewarm(['tail', stage.topic, '--no-follow', '--json', '--formats', module], { env })
      expect(JSON.parse(tail.stdout)).toMatchObject({ kind: 'prices', updates: [{ pair: 'A', price: 1.5 }] })
    })
  })
})
