import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { format } from '../../index.ts'
import type { ForewarmNode } from '../../node/node.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import type { FormatRule } from '../../src/formats/formats.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { header, onStage, type Stage } from './stage.ts'

/** The quotes of an exchange, as JSON of its own. */
const QUOTES = {
  chain: { const: 'exchange' },
  pair: 's',
  price: { mid: ['b', 'a'] },
  bid: 'b',
  ask: 'a',
  eventTimeMs: { path: 'E', unit: 's' },
  skip: [{ path: 'result', exists: true }, { text: 'pong' }],
  delete: { path: 'op', equals: 'd' },
}

let folder: string | undefined

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true })
  folder = undefined
})

async function settingsFile(content: object): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-formats-'))
  const file = join(folder, 'forewarm.config.json')
  await writeFile(file, JSON.stringify(content))
  return file
}

const quote = (rest: object) => JSON.stringify({ s: 'ETHUSDT', b: '9.5', a: '10.5', E: Date.now() / 1000, ...rest })

async function send(stage: Stage, ...values: readonly (string | null)[]): Promise<void> {
  await stage.produceRecords(...values.map((value) => ({ partition: 0, key: 'ETHUSDT', value })))
}

interface Reading {
  readonly node: ForewarmNode
  readonly handled: readonly PriceUpdate[]
}

/** Runs a node that reads the stage's topic as its settings file, or a format, says. */
async function reading(stage: Stage, by: { formats?: readonly FormatRule[]; file?: object }): Promise<Reading> {
  const handled: PriceUpdate[] = []
  const all = detector('all', {}, (update) => void handled.push(update))
  const configFile = by.file === undefined ? {} : { configFile: await settingsFile(by.file) }
  const formats = by.formats === undefined ? {} : { formats: by.formats }
  const node = await stage.startNode({ detectors: [all], start: 'earliest', ...configFile, ...formats })
  return { node, handled }
}

describe('a node reads a topic of somebody else', () => {
  test('by the mapping in the settings file: quotes are updates, acks are skipped, the rest are dead letters', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      await send(
        stage,
        quote({}),
        '{"result":null,"id":1}',
        'pong',
        quote({ b: '9,5' }),
        'ping',
        quote({ s: 'BTCUSDT' }),
      )
      const { node, handled } = await reading(stage, { file: { formats: { [stage.topic]: QUOTES } } })
      await until('both quotes are handled', () => handled.length === 2)
      expect(handled).toMatchObject([
        { pair: 'ETHUSDT', chain: 'exchange', price: 10, bid: 9.5, ask: 10.5 },
        { pair: 'BTCUSDT', chain: 'exchange', price: 10 },
      ])
      const letters = await stage.deadLetters(2)
      expect(letters.map((letter) => [header(letter, 'forewarm-error-code'), `${letter.value}`])).toEqual([
        ['wrong-type', expect.stringContaining('"b":"9,5"')],
        ['not-json', 'ping'],
      ])
      expect(await metricValue(node, 'arbitrage_records_skipped_total')).toBe(2)
    })
  })

  test('and refuses updates of the future and names that are too long, as those of any topic', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const atMs = Date.now() + 120_000
      await send(stage, quote({ E: atMs / 1000 }), quote({ s: 'x'.repeat(300) }), quote({}))
      const { handled } = await reading(stage, { file: { formats: { [stage.topic]: QUOTES } } })
      await until('the good quote is handled', () => handled.length === 1)
      const letters = await stage.deadLetters(2)
      expect(letters.map((letter) => header(letter, 'forewarm-error-code')).sort()).toEqual([
        ...['event-time-future', 'name-too-long'],
      ])
    })
  })

  test('and delists the pairs that it says are gone', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const { node, handled } = await reading(stage, { file: { formats: { [stage.topic]: QUOTES } } })
      await send(stage, quote({}), quote({ s: 'BTCUSDT' }))
      await until('both quotes are handled', () => handled.length === 2)
      await send(stage, quote({ op: 'd' }), null)
      await until('the pair is delisted', async () => (await metricValue(node, 'arbitrage_pairs_delisted_total')) === 1)
      expect(await metricValue(node, 'arbitrage_records_skipped_total')).toBe(1)
    })
  })

  test('by a function: what it throws, and what it gives that is no update, refuses the record, and the next is read', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const answers: Record<string, unknown> = {
        none: 'skip',
        promise: Promise.reject(new Error('late')),
        nothing: undefined,
        negative: { pair: 'X', chain: 'c', price: -1, eventTimeMs: Date.now() },
      }
      const line = format(stage.topic, ({ value, key, topic, headers }) => {
        const text = `${value}`
        if (text === 'throws') throw new Error('no such line')
        if (text in answers) return answers[text] as 'skip'
        expect([`${key}`, topic, headers.length]).toEqual(['ETHUSDT', stage.topic, 0])
        return { pair: text, chain: 'lines', price: 1, eventTimeMs: Date.now() }
      })
      await send(stage, 'throws', 'none', 'promise', 'nothing', 'negative', 'A')
      const { handled } = await reading(stage, { formats: [line] })
      await until('the good line is handled', () => handled.length === 1)
      expect(handled[0]).toMatchObject({ pair: 'A', chain: 'lines' })
      const letters = await stage.deadLetters(4)
      expect(letters.map((letter) => header(letter, 'forewarm-error-code'))).toEqual([
        ...['format-failed', 'format-failed', 'format-failed', 'negative'],
      ])
    })
  })

  test('and its handlers see what the mapping keeps of the user’s own, each update that of its record', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const extra = { bidSize: 'B', venue: { header: 'venue' } }
      const { handled } = await reading(stage, { file: { formats: { [stage.topic]: { ...QUOTES, extra } } } })
      const values = [quote({ B: '1.2' }), quote({}), quote({ B: {} }), quote({ B: 3 })]
      const headers = [['venue', Buffer.from('x')]] as const
      await stage.produceRecords(
        ...values.map((value, at) => ({ partition: 0, value, headers: at === 3 ? headers : [] })),
      )
      await until('three quotes are handled', () => handled.length === 3)
      expect(handled.map((update) => update.extra)).toEqual([{ bidSize: '1.2' }, undefined, { bidSize: 3, venue: 'x' }])
      expect((await stage.deadLetters(1)).map((letter) => header(letter, 'forewarm-error-code'))).toEqual([
        'wrong-type',
      ])
    })
  })

  test('and is not started with a mapping that cannot be meant', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const file = { formats: { [stage.topic]: { ...QUOTES, price: { pth: 'l' } }, other: { ...QUOTES, unit: 's' } } }
      await expect(reading(stage, { file })).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringMatching(/price\.pth.*\n.*other.*unit/s),
      })
      expect(() => format('x', { pair: 'p' })).toThrow(expect.objectContaining({ code: 'bad-config' }))
      await expect(reading(stage, { formats: [{ topics: 'x' }] })).rejects.toMatchObject({ code: 'bad-value' })
    })
  })
})
