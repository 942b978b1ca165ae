import { describe, expect, test } from '@jest/globals'
import { encodeLeader, leaderKey } from '../../../schemas/correlations/leader-record.ts'
import { partitionOf } from '../../../schemas/topics.ts'
import { recordOf } from '../../../src/correlation/kept/leader-record.ts'
import { WaitingLeaders } from '../../../src/correlation/kept/waiting-leaders.ts'
import { Names } from './stage.ts'

const SERVICE = 'service'

function waitingWith(maxLeaders = 10) {
  const names = new Names()
  const waiting = new WaitingLeaders({ service: SERVICE, by: 'me', maxLeaders, names })
  const bytesOf = (pair: string, rate: number, by: string): Buffer => {
    const follower = names.idOf('c', 'follower')
    const reads = [{ pairId: follower, rate, lagMs: 1 }]
    return encodeLeader(recordOf(names.idOf('c', pair), { reads, mined: [], asOfMs: 0 }, by, names))
  }
  const put = (pair: string, rate: number, by = 'other') =>
    waiting.put(Buffer.from(leaderKey(SERVICE, { chain: 'c', pair })), bytesOf(pair, rate, by))
  const rates = (pair: string) => waiting.take(names.idOf('c', pair))?.reads.map(({ rate }) => rate)
  return { waiting, names, put, rates, bytesOf }
}

test('the newest record of a leader waits for it, and is handed out once', () => {
  const { put, rates, waiting } = waitingWith()
  put('A', 0.25)
  put('A', 0.75)
  expect(waiting.size).toBe(1)
  expect(rates('A')).toEqual([0.75])
  expect(rates('A')).toBeUndefined()
  expect(rates('B')).toBeUndefined()
})

test('a tombstone ends the wait of a record, and so does what the node has written itself since', () => {
  const { put, rates, waiting } = waitingWith()
  put('A', 0.25)
  put('B', 0.25)
  waiting.put(Buffer.from(leaderKey(SERVICE, { chain: 'c', pair: 'A' })), undefined)
  put('B', 0.75, 'me')
  expect([rates('A'), rates('B'), waiting.size]).toEqual([undefined, undefined, 0])
})

test('a record that cannot be read is passed over: the one before goes on waiting', () => {
  const { put, rates, waiting } = waitingWith()
  put('A', 0.25)
  const key = Buffer.from(leaderKey(SERVICE, { chain: 'c', pair: 'A' }))
  expect(waiting.put(key, Buffer.from('{"v":2}'))?.reason).toBe('unknown-version')
  expect(rates('A')).toEqual([0.25])
})

test('records of other services, without a leader or beyond the bound are refused by reason', () => {
  const { put, waiting, bytesOf } = waitingWith(1)
  const value = bytesOf('A', 0.5, 'other')
  expect(waiting.put(Buffer.from(leaderKey('another', { chain: 'c', pair: 'A' })), value)?.reason).toBe('other-service')
  expect(waiting.put(undefined, value)?.reason).toBe('bad-key')
  expect(put('A', 0.5)).toBeUndefined()
  expect(put('B', 0.5)?.reason).toBe('no-room')
  expect(put('A', 0.25)).toBeUndefined()
})

test('what waits is a copy: the memory of its batch is used again', () => {
  const { waiting, rates, bytesOf } = waitingWith()
  const value = bytesOf('A', 0.5, 'other')
  waiting.put(Buffer.from(leaderKey(SERVICE, { chain: 'c', pair: 'A' })), value)
  value.fill(0)
  expect(rates('A')).toEqual([0.5])
})

test('a record that was written when the topic had fewer partitions is older than any in the partition of its leader', () => {
  const { waiting, rates, bytesOf } = waitingWith()
  const partitions = 4
  const own = partitionOf('c', partitions)
  const putAt = (partition: number, rate: number | undefined) =>
    waiting.put(
      Buffer.from(leaderKey(SERVICE, { chain: 'c', pair: 'A' })),
      rate === undefined ? undefined : bytesOf('A', rate, 'other'),
      { partition, partitions },
    )
  const earlier = (own + 1) % partitions
  putAt(earlier, 0.125)
  putAt(earlier, 0.25)
  expect(rates('A')).toEqual([0.25])
  putAt(own, 0.75)
  putAt(earlier, 0.25)
  putAt(earlier, undefined)
  expect(rates('A')).toEqual([0.75])
  putAt(earlier, 0.25)
  putAt(own, 0.75)
  expect(rates('A')).toEqual([0.75])
  putAt(earlier, 0.25)
  putAt(earlier, undefined)
  expect(rates('A')).toBeUndefined()
})

test('all leaders that were met are handed out together, the others go on waiting', () => {
  const { waiting, put } = waitingWith()
  for (const pair of ['A', 'B', 'C']) put(pair, 0.5)
  const met = [...waiting.met(({ pair }) => pair !== 'B')].map(({ name, edges }) => [name.pair, edges().reads.length])
  expect(met).toEqual([
    ['A', 1],
    ['C', 1],
  ])
  expect([waiting.size, waiting.has({ chain: 'c', pair: 'B' })]).toEqual([1, true])
})

describe('what another service has learned', () => {
  const OTHER = 'blue'
  const keyOf = (service: string, pair: string) => Buffer.from(leaderKey(service, { chain: 'c', pair }))

  function takingOver(maxLeaders = 10) {
    const names = new Names()
    const taken: string[] = []
    const waiting = new WaitingLeaders({
      ...{ service: SERVICE, from: OTHER, by: 'me', maxLeaders, names },
      onTaken: ({ pair }) => void taken.push(pair),
    })
    const put = (service: string, pair: string, rate: number | undefined, by = 'another') => {
      const reads = [{ pairId: names.idOf('c', 'follower'), rate: rate ?? 0, lagMs: 1 }]
      const record = recordOf(names.idOf('c', pair), { reads, mined: [], asOfMs: 0 }, by, names)
      return waiting.put(keyOf(service, pair), rate === undefined ? undefined : encodeLeader(record))
    }
    const rates = (pair: string) => waiting.take(names.idOf('c', pair))?.reads.map(({ rate }) => rate)
    return { waiting, put, rates, taken }
  }

  test('waits for its leader if the service itself knows nothing of that, and counts as not written by it', () => {
    const { put, rates, taken } = takingOver()
    expect([put(OTHER, 'A', 0.25), put(OTHER, 'A', 0.75), put(SERVICE, 'B', 0.5)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([rates('A'), rates('B'), taken]).toEqual([[0.75], [0.5], ['B']])
    expect(put('a third', 'C', 0.5)?.reason).toBe('other-service')
  })

  test('gives way to a record of the service itself, whichever comes first, and to a deletion', () => {
    const { put, rates, waiting } = takingOver()
    put(OTHER, 'A', 0.25)
    put(SERVICE, 'A', 0.5)
    put(SERVICE, 'B', 0.5)
    put(OTHER, 'B', 0.25)
    put(SERVICE, 'C', undefined)
    put(OTHER, 'C', 0.25)
    put(OTHER, 'D', 0.25)
    put(OTHER, 'D', undefined)
    expect([rates('A'), rates('B'), waiting.size]).toEqual([[0.5], [0.5], 0])
  })

  test('is taken over at the start only: later the service learns for itself', () => {
    const { put, rates, waiting } = takingOver()
    put(OTHER, 'A', 0.25)
    waiting.isRead = true
    put(OTHER, 'A', 0.75)
    put(OTHER, 'B', 0.75)
    expect([rates('A'), rates('B')]).toEqual([[0.25], undefined])
  })

  test('makes room for what the service itself has learned', () => {
    const { put, rates } = takingOver(1)
    put(OTHER, 'A', 0.25)
    expect([put(SERVICE, 'B', 0.5), put(OTHER, 'C', 0.5)?.reason]).toEqual([undefined, 'no-room'])
    expect([rates('A'), rates('B')]).toEqual([undefined, [0.5]])
  })
})
