import { beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { KnownReads } from '../../src/correlation/known-reads.ts'
import { type Detector, type DetectorFunction, detector } from '../../src/detect/detector.ts'
import { type DetectorFailure, DetectorRunner } from '../../src/detect/runner.ts'
import { T0, TestCaches } from '../cache/caches.ts'
import { settled } from '../harness/manual-timer.ts'

const TIMEOUT_MS = 50

/** A handler's promise that the test settles. */
interface Gate extends PromiseWithResolvers<void> {
  readonly update: PriceUpdate
}

let caches: TestCaches
let failures: DetectorFailure[]

beforeEach(() => {
  caches = new TestCaches()
  failures = []
})

function runnerOf(detectors: readonly Detector[], concurrency = 64): DetectorRunner {
  return new DetectorRunner({
    detectors,
    sources: caches.sources,
    concurrency,
    timeoutMs: TIMEOUT_MS,
    metrics: caches.metrics,
    timer: caches.timer.start,
    onFailure: (failure) => failures.push(failure),
  })
}

function update(pair: string, price = 1): PriceUpdate {
  return { pair, chain: 'ethereum', price, eventTimeMs: T0 }
}

function handle(runner: DetectorRunner, of: PriceUpdate): Promise<void> | undefined {
  return runner.handle({ topic: 'prices', partition: 0, offset: 0n }, caches.table.register(of.chain, of.pair), of)
}

/** An object of the user's that has a member of this name. */
function withThen(then: unknown): Promise<void> {
  return Object.fromEntries([['then', then]]) as unknown as Promise<void>
}

/** A detector whose handlers the test settles. */
function gated(): { readonly gates: Gate[]; readonly detector: Detector } {
  const gates: Gate[] = []
  const detect: DetectorFunction = (of) => {
    const gate = { update: of, ...Promise.withResolvers<void>() }
    gates.push(gate)
    return gate.promise
  }
  return { gates, detector: detector('gated', {}, detect) }
}

describe('updates', () => {
  test('are the same for all detectors, because one that changes its update fails', () => {
    const seen: string[] = []
    const changing = detector('changing', {}, (given) => {
      Object.assign(given, { chain: 'base', price: -1 })
    })
    const runner = runnerOf([changing, detector('b', { chains: ['ethereum'] }, (of) => void seen.push(`${of.price}`))])
    handle(runner, update('p'))
    expect([seen, runner.stats()[0]?.errors]).toEqual([['1'], 1])
  })

  test('reach the detectors that subscribed to their topic and chain', () => {
    const seen: string[] = []
    const note = (name: string, subscription: Parameters<typeof detector>[1]) =>
      detector(name, subscription, ({ chain }) => {
        seen.push(`${name} ${chain}`)
      })
    const runner = runnerOf([
      note('all', {}),
      note('topic', { topics: ['prices'] }),
      note('chain', { chains: ['base'] }),
      note('other', { topics: ['others'] }),
    ])
    handle(runner, update('p'))
    handle(runner, { ...update('p'), chain: 'base' })
    expect(seen).toEqual(['all ethereum', 'topic ethereum', 'all base', 'topic base', 'chain base'])
    expect([
      runner.wants('prices', 'base'),
      runnerOf([note('x', { chains: ['base'] })]).wants('prices', 'eth'),
    ]).toEqual([true, false])
  })

  test('are handled at once by a detector that returns nothing', () => {
    const runner = runnerOf([detector('sync', {}, () => undefined)])
    expect(handle(runner, update('p'))).toBeUndefined()
    expect(runner.room()).toBeUndefined()
  })

  test('of one pair are handled in order, one at a time', async () => {
    const { gates, detector: one } = gated()
    const runner = runnerOf([one])
    const runs = [1, 2, 3].map((price) => handle(runner, update('p', price)))
    expect(gates.map((gate) => gate.update.price)).toEqual([1])
    gates[0]?.resolve()
    await runs[0]
    await settled()
    expect(gates.map((gate) => gate.update.price)).toEqual([1, 2])
    gates[1]?.resolve()
    await settled()
    gates[2]?.resolve()
    await Promise.all(runs)
    expect(gates).toHaveLength(3)
  })

  test('of different pairs are handled at once until there is no room', async () => {
    const { gates, detector: one } = gated()
    const runner = runnerOf([one], 3)
    for (const pair of ['a', 'b']) void handle(runner, update(pair))
    expect([gates.length, runner.room()]).toEqual([2, undefined])
    void handle(runner, update('c'))
    let isRoom = false
    void runner.room()?.then(() => {
      isRoom = true
    })
    await settled()
    expect([gates.length, isRoom]).toEqual([3, false])
    gates[1]?.resolve()
    await settled()
    expect([isRoom, runner.room()]).toEqual([true, undefined])
  })

  test('that wait for earlier ones of their pair are bounded too', async () => {
    const { gates, detector: one } = gated()
    const runner = runnerOf([one], 2)
    let handed = 0
    while (runner.room() === undefined && handed < 1000) {
      void handle(runner, update('p', ++handed))
    }
    expect(handed).toBe(32)
    gates[0]?.resolve()
    await settled()
    expect(runner.room()).toBeUndefined()
  })

  test('let everybody who waits for room go on when they are handled', async () => {
    const { gates, detector: one } = gated()
    const runner = runnerOf([one], 1)
    void handle(runner, update('a'))
    const waiting = [runner.room(), runner.room()]
    gates[0]?.resolve()
    await expect(Promise.all(waiting)).resolves.toHaveLength(2)
  })
})

describe('a handler', () => {
  const boom = new Error('boom')
  const throwing = detector('throwing', {}, () => {
    throw boom
  })
  const rejecting = detector('rejecting', {}, async () => {
    throw boom
  })

  test('that fails at once or later is counted by name and reported with its error, and the others go on', async () => {
    const seen: number[] = []
    const other = detector('other', {}, ({ price }) => {
      seen.push(price)
    })
    const runner = runnerOf([throwing, rejecting, other])
    await handle(runner, update('p', 1))
    await handle(runner, update('p', 2))
    expect(seen).toEqual([1, 2])
    const failure = (name: string) => ({ detector: name, chain: 'ethereum', pair: 'p', error: boom })
    const both = [failure('throwing'), failure('rejecting')]
    expect(failures).toEqual([...both, ...both])
    expect(caches.count('detector_errors_total', { detector: 'throwing' })).toBe(2)
    expect(caches.count('detector_errors_total', { detector: 'rejecting' })).toBe(2)
    expect(caches.count('detector_errors_total', { detector: 'other' })).toBe(0)
  })

  test('that returns a callable thenable is awaited like any other promise', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const callable = Object.assign(() => undefined, withThen(promise.then.bind(promise)))
    const runner = runnerOf([detector('callable', {}, () => callable as unknown as Promise<void>)])
    const done = handle(runner, update('A'))
    expect(done).toBeInstanceOf(Promise)
    resolve()
    await done
  })

  test('that returns a thenable without catch is a time-out once, and no error', async () => {
    const runner = runnerOf([detector('thenable', {}, () => withThen(() => undefined))])
    const done = handle(runner, update('A'))
    await caches.timer.advance(TIMEOUT_MS)
    await done
    const labels = { detector: 'thenable' }
    expect(caches.count('detector_timeouts_total', labels)).toBe(1)
    expect(caches.count('detector_errors_total', labels)).toBe(0)
  })

  test('that returns an object whose then is no function has settled', () => {
    const runner = runnerOf([detector('odd', {}, () => withThen(1))])
    expect(handle(runner, update('A'))).toBeUndefined()
  })

  test('that does not settle is given up after its time, counted and reported, and the next update is handled', async () => {
    const seen: number[] = []
    const never = detector('never', {}, ({ price }) => {
      seen.push(price)
      return price === 1 ? new Promise(() => undefined) : undefined
    })
    const runner = runnerOf([never], 1)
    const first = handle(runner, update('p', 1))
    const second = handle(runner, update('p', 2))
    await caches.timer.advance(TIMEOUT_MS - 1)
    expect(seen).toEqual([1])
    await caches.timer.advance(1)
    await Promise.all([first, second])
    expect(seen).toEqual([1, 2])
    expect(failures).toEqual([{ detector: 'never', chain: 'ethereum', pair: 'p' }])
    expect(caches.count('detector_timeouts_total', { detector: 'never' })).toBe(1)
    expect([runner.room(), caches.timer.pending]).toEqual([undefined, 0])
  })

  test('that fails after its time was up is counted as an error too, and leaves no unhandled rejection', async () => {
    const { gates, detector: one } = gated()
    const runner = runnerOf([one])
    const run = handle(runner, update('p'))
    await caches.timer.advance(TIMEOUT_MS)
    await run
    gates[0]?.reject(boom)
    await settled()
    expect(caches.count('detector_timeouts_total', { detector: 'gated' })).toBe(1)
    expect(caches.count('detector_errors_total', { detector: 'gated' })).toBe(1)
  })

  test('that fails in time leaves no timer behind', async () => {
    const { gates, detector: one } = gated()
    const run = handle(runnerOf([one]), update('p'))
    expect(caches.timer.pending).toBe(1)
    gates[0]?.reject(boom)
    await run
    expect(caches.timer.pending).toBe(0)
  })
})

describe('a read of a handler', () => {
  function readsAfter(pair: string): [pair: string, rate: number][] {
    const known = new KnownReads()
    caches.tracker.readsAfter(caches.table.register('ethereum', pair), known)
    return Array.from({ length: known.count }, (_, i) => [
      caches.table.pairName(known.pairIds[i] as number),
      known.rates[i] as number,
    ])
  }

  test('belongs to its update, even after an await', async () => {
    const { gates, detector: gate } = gated()
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      await gates.find(({ update: of }) => of.pair === pair)?.promise
      prices.get('ethereum', `${pair}-sibling`)
    })
    const runner = runnerOf([gate, reader])
    const runs = ['a', 'b'].map((pair) => handle(runner, update(pair)))
    gates[1]?.resolve()
    await settled()
    gates[0]?.resolve()
    await Promise.all(runs)
    expect(readsAfter('a')).toEqual([['a-sibling', expect.closeTo(0.5625)]])
    expect(readsAfter('b')).toEqual([['b-sibling', expect.closeTo(0.5625)]])
  })

  test('gets likelier with each update that repeats it, and less likely with each that does not', async () => {
    const reader = detector('reader', {}, ({ price }, prices) => {
      if (price > 0) prices.get('ethereum', 'sibling')
    })
    const runner = runnerOf([reader])
    for (let i = 0; i < 10; i++) handle(runner, update('p', 1))
    const [[, often] = ['', 0]] = readsAfter('p')
    for (let i = 0; i < 3; i++) handle(runner, update('p', 0))
    const [[, seldom] = ['', 0]] = readsAfter('p')
    expect(often).toBeGreaterThan(0.8)
    expect(seldom).toBeLessThan(often)
  })

  test('by several detectors counts once for an update', async () => {
    const read: DetectorFunction = (_, prices) => {
      prices.get('ethereum', 'sibling')
      prices.get('ethereum', 'sibling')
    }
    handle(runnerOf([detector('one', {}, read), detector('two', {}, read)]), update('p'))
    expect(readsAfter('p')).toEqual([['sibling', expect.closeTo(0.5625)]])
  })
})
