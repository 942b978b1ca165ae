import { EventEmitter } from 'node:events'
import { createMemoryBroker, detector, format } from '../../index.ts'
import { until } from '../harness/until.ts'
import { metricValue } from '../node/scrape.ts'
import { openStage, updateOf } from '../node/stage.ts'

/** The program that stray-errors.test.ts starts: a node whose detector, or whose format, fails as the pair's name says. */

const bug = (message: string): never => {
  throw new Error(message)
}

const thrownLater = (error: unknown) =>
  void globalThis.setTimeout(() => {
    throw error
  })

const ALL_TRAPS: ProxyHandler<Error> = {
  get: () => bug('in get'),
  has: () => bug('in has'),
  ownKeys: () => bug('in ownKeys'),
  getPrototypeOf: () => bug('in getPrototypeOf'),
  getOwnPropertyDescriptor: () => bug('in getOwnPropertyDescriptor'),
}

const FAILURES: Readonly<Record<string, () => void>> = {
  timer: () => void globalThis.setTimeout(() => bug('in a timer')),
  interval: () => {
    const every = setInterval(() => {
      clearInterval(every)
      bug('in an interval')
    })
  },
  immediate: () => void setImmediate(() => bug('in an immediate')),
  tick: () => process.nextTick(() => bug('in a tick')),
  await: () => void (async () => bug(await Promise.resolve('after an await')))(),
  rejection: () => void Promise.reject('no error at all'),
  event: () => void setImmediate(() => new EventEmitter().emit('error', new Error('an event without a listener'))),
  'throwing-stack': () => thrownLater(Object.defineProperty(new Error(), 'stack', { get: () => bug('in stack') })),
  'stack-of-an-object': () =>
    thrownLater(Object.assign(new Error(), { stack: { toString: () => bug('in toString') } })),
  'proxy-of-an-error': () => thrownLater(new Proxy(new Error(), ALL_TRAPS)),
  'rejected-proxy': () => void Promise.reject(new Proxy(new Error(), { get: () => bug('in get') })),
  'throwing-to-json': () => thrownLater(Object.assign(new Error(), { toJSON: () => bug('in toJSON') })),
  symbol: () => thrownLater(Symbol('no error at all')),
  'bug-of-ours': () => {
    const error = new Error('a bug of ours')
    error.stack = `Error: a bug of ours\n    at read (${new URL('../../src/cache/hierarchy.ts', import.meta.url)}:1:1)`
    globalThis.setTimeout(() => {
      throw error
    })
  },
}

const [mode = '', ...pairs] = process.argv.slice(2)
let seenByApplication = 0
if (mode === 'own-handlers') process.on('uncaughtException', () => void seenByApplication++)

const broker = createMemoryBroker()
const stage = await openStage({ broker })
const handled: string[] = []
const faulty = detector('faulty', {}, ({ pair }) => {
  handled.push(pair)
  if (mode !== 'format') FAILURES[pair]?.()
})
const lines = format(stage.topic, ({ value }) => {
  const update = JSON.parse(`${value}`)
  FAILURES[update.pair]?.()
  return update
})
const node = await stage.startNode({
  detectors: [faulty],
  formats: mode === 'format' ? [lines] : [],
  logLevel: 'info',
  config: { node: { detectorFaults: mode === 'end' ? 'end' : 'go-on' } },
})
process.on('exit', () => console.log(JSON.stringify({ handled, seenByApplication })))
await stage.produce(...pairs.map((pair) => updateOf(pair)))
await until('all are handled', () => handled.length === pairs.length)
if (mode === 'application') globalThis.setTimeout(() => bug('of the application'))

const failed = pairs.filter((pair) => pair in FAILURES).length
const errors = () =>
  metricValue(node, 'arbitrage_detector_errors_total', {
    detector: mode === 'format' ? `format ${stage.topic}` : 'faulty',
  })
await until('all are counted', async () => (await errors()) === failed)
await stage.close()
