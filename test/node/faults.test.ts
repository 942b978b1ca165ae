import { Writable } from 'node:stream'
import { expect, jest, test } from '@jest/globals'
import { Faults } from '../../node/faults.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import { detector } from '../../src/detect/detector.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { standardErrorLog } from '../../src/telemetry/log-stream.ts'
import { batchOf } from '../consumers/batch.ts'
import { onStage } from './stage.ts'

function stage() {
  const clock = virtualClock(1_000)
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const faults = new Faults(createLog({ service: 'test', version: '0', stream }), clock)
  return { clock, lines, faults }
}

const ignore = () => undefined
const failure = { chain: 'ethereum', pair: 'A', error: new Error('a bug') }

test('dead letters are logged, once a second for a topic and a reason', () => {
  const { clock, lines, faults } = stage()
  const letter = { batch: batchOf([{ value: 'x' }]), index: 0, reason: 'bad-json', detail: 'no JSON' }
  for (let i = 0; i < 100; i++) faults.deadLettered(letter)
  faults.deadLettered({ ...letter, reason: 'bad-value' })
  clock.advanceTo(2_000)
  faults.deadLettered(letter)
  expect(lines.map(({ reason, detail, passedOver }) => [reason, detail, passedOver])).toEqual([
    ['bad-json', 'no JSON', 0],
    ['bad-value', 'no JSON', 0],
    ['bad-json', 'no JSON', 99],
  ])
})

test('a detector that throws undefined or null is logged as one that threw, and not as a time-out', () => {
  const { lines, faults } = stage()
  const { error: _, ...update } = failure
  for (const error of [undefined, null]) faults.detectorFailed({ detector: `${error}`, ...update, error })
  faults.detectorFailed({ detector: 'slow', ...update })
  faults.detectorStrayed({ detector: 'stray', error: undefined, ends: false })
  expect(lines.map(({ msg, err }) => [msg, err])).toEqual([
    ['a detector threw', 'undefined'],
    ['a detector threw', 'null'],
    ['a detector did not settle in time', undefined],
    [expect.stringContaining('outside its handler'), 'undefined'],
  ])
})

test('a node says that it closes, and that it is closed', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const written = jest.spyOn(standardErrorLog(), 'write').mockImplementation(() => undefined)
    try {
      const node = await stage.startNode({ logLevel: 'info' })
      await node.close()
      const said = written.mock.calls.map(([line]) => line)
      expect(said.findIndex((line) => line.includes('the node closes'))).toBeGreaterThanOrEqual(0)
      expect(said.at(-1)).toContain('the node is closed')
    } finally {
      written.mockRestore()
    }
  })
})

test('a detector that throws on every update is logged once a second, and hides no other detector', () => {
  const { clock, lines, faults } = stage()
  for (let i = 0; i < 5_000; i++) faults.detectorFailed({ detector: 'first', ...failure })
  faults.detectorFailed({ detector: 'second', ...failure })
  clock.advanceTo(2_000)
  faults.detectorFailed({ detector: 'first', ...failure })
  expect(lines.map(({ detector, passedOver }) => [detector, passedOver])).toEqual([
    ['first', 0],
    ['second', 0],
    ['first', 4_999],
  ])
})

test('a detector that subscribes to topics that the node does not read is logged at the start', () => {
  const { lines, faults } = stage()
  const detectors = [
    detector('misspelt', { topics: ['prices.base', 'prices.etherium'] }, ignore),
    detector('right', { topics: ['prices.base'] }, ignore),
    detector('of all', {}, ignore),
  ]
  faults.subscribedInVain(detectors, ['prices.base', 'prices.ethereum'])
  expect(lines).toMatchObject([{ level: 'warn', detector: 'misspelt', topics: ['prices.etherium'] }])
  expect(lines).toHaveLength(1)
})

test('lost dead letters are logged with their offset, and with the number of those not logged', () => {
  const { lines, faults } = stage()
  const batch = batchOf([{ value: 'x' }, { value: 'y' }, { value: 'z' }])
  for (let index = 0; index < 3; index++)
    faults.letterLost({ batch, index, reason: 'not-json', detail: 'no' }, new Error('away'))
  faults.flush()
  expect(lines).toMatchObject([
    {
      topic: batch.topic,
      partition: batch.partition,
      offset: String(batch.offset(0)),
      reason: 'not-json',
      passedOver: 0,
    },
    { offset: String(batch.offset(2)), passedOver: 1 },
  ])
})

test('undecodable records are logged once a second', () => {
  const { lines, faults } = stage()
  const batch = { type: 'undecodable', topic: 'prices', partition: 0, reason: 'compression' } as const
  for (let i = 0n; i < 1_000n; i++) faults.undecodable({ ...batch, from: i, to: i })
  faults.flush()
  expect(lines.map(({ from, passedOver }) => [from, passedOver])).toEqual([
    ['0', 0],
    ['999', 998],
  ])
})

test('an answer of a strategy that is not taken is logged in words, once a second for a strategy and a reason', () => {
  const { clock, lines, faults } = stage()
  const threw = { strategy: 'mine', fault: 'threw', detail: 'threw "a bug"', error: new Error('a bug') } as const
  for (let times = 0; times < 3; times++) faults.strategyRefused(threw)
  faults.strategyRefused({ strategy: 'mine', fault: 'promise', detail: 'returned a promise' })
  clock.advanceTo(2_000)
  faults.strategyRefused(threw)
  expect(lines.map(({ detail, reason, passedOver, err }) => [detail, reason, passedOver, err !== undefined])).toEqual([
    ['mine threw "a bug"', 'threw', 0, true],
    ['mine returned a promise', 'promise', 0, false],
    ['mine threw "a bug"', 'threw', 2, true],
  ])
})
