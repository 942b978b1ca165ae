import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Confidence } from '../../src/correlation/confidence.ts'
import { type AtHand, ReadBack } from '../../src/correlation/read-back.ts'

const PAIRS = 40
const NOTHING_AT_HAND: AtHand = { has: () => false, renew: () => undefined }

function newReadBack(
  options: {
    readonly threshold?: number
    readonly logReads?: number
    readonly limit?: number
    readonly maxTracked?: number
  } = {},
) {
  const confidence = new Confidence({ maxPairs: PAIRS, horizon: 20 })
  return new ReadBack({ maxPairs: PAIRS, confidence, threshold: 0.2, limit: 8, logReads: 1024, ...options })
}

/** The pairs that are proposed after the last of these reads. */
function proposedAfter(reads: readonly number[], readBack = newReadBack(), atHand = NOTHING_AT_HAND): number[] {
  for (const pairId of reads) readBack.read(pairId, atHand)
  return [...readBack.pairIds.subarray(0, readBack.count)]
}

describe('reading the log back', () => {
  test('proposes what came after a pair as soon as the pair is read again', () => {
    expect(proposedAfter([1, 2])).toEqual([])
    expect(proposedAfter([1, 2, 3, 1]).toSorted()).toEqual([2, 3])
  })

  test('counts a proposal as true, even if the read has no room to be learned from', () => {
    const confidence = new Confidence({ maxPairs: PAIRS, horizon: 20 })
    const bucket = confidence.bucketOf(1, 1, 0)
    const believed = (isRead: boolean) => {
      confidence.propose(2, bucket, 1)
      const readBack = new ReadBack({ maxPairs: PAIRS, maxTracked: 1, confidence, threshold: 0.2, limit: 8 })
      proposedAfter(isRead ? [1, 2] : [1], readBack)
      expect(readBack.refusedReads).toBe(Number(isRead))
      return confidence.of(bucket)
    }
    const [before, unread, read] = [confidence.of(bucket), believed(false), believed(true)]
    expect(unread).toBeLessThan(before)
    expect(read).toBeGreaterThan(unread)
  })

  test('proposes neither the pair itself nor a pair at hand', () => {
    expect(proposedAfter([1, 1, 2, 1], newReadBack(), { ...NOTHING_AT_HAND, has: (pairId) => pairId === 2 })).toEqual(
      [],
    )
  })

  test('renews a pair at hand that it would otherwise propose', () => {
    const renewedAt = (threshold: number): number[] => {
      const renewed: number[] = []
      const atHand = { has: (pairId: number) => pairId === 2, renew: (pairId: number) => renewed.push(pairId) }
      proposedAfter([1, 2, 3, 1], newReadBack({ threshold }), atHand)
      return renewed
    }
    expect([renewedAt(0.2), renewedAt(0.9)]).toEqual([[2], []])
  })

  test('proposes pairs that follow every time before those that followed once', () => {
    const readBack = newReadBack()
    for (let i = 0; i < 8; i++) proposedAfter([1, 2, 10 + i, 30], readBack)
    const [first] = proposedAfter([1], readBack)
    expect([2, 30]).toContain(first)
    expect([...readBack.scores.subarray(0, readBack.count)]).toEqual(
      [...readBack.scores.subarray(0, readBack.count)].toSorted((a, b) => b - a),
    )
  })

  test('proposes no more pairs than its limit', () => {
    expect(proposedAfter([1, 2, 3, 4, 5, 6, 1], newReadBack({ limit: 3 }))).toHaveLength(3)
  })

  test('forgets reads that the log no longer holds', () => {
    const filler = Array.from({ length: 16 }, (_, i) => 20 + (i % 10))
    expect(proposedAfter([1, 2, ...filler, 1], newReadBack({ logReads: 16 })).includes(2)).toBe(false)
  })

  test('stops proposing when none of its proposals is read', () => {
    const readBack = newReadBack({ threshold: 0.5 })
    let proposals = 0
    const random = fc.sample(fc.integer({ min: 2, max: PAIRS - 1 }), { numRuns: 4000, seed: 7 })
    for (const [i, other] of random.entries()) {
      // A read of 1 after every one of the others says nothing about which comes next.
      readBack.read(i % 2 === 0 ? 1 : other, NOTHING_AT_HAND)
      if (i > 3000) proposals += readBack.count
    }
    expect(proposals / 1000).toBeLessThan(1)
  })

  test('counts each place of a pair once, whatever the order of reads', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 200, size: 'max' }), (reads) => {
        const readBack = newReadBack({ threshold: 0 })
        for (const pairId of reads) {
          readBack.read(pairId, NOTHING_AT_HAND)
          const proposed = readBack.pairIds.subarray(0, readBack.count)
          expect(new Set(proposed).size).toBe(readBack.count)
          expect(proposed.includes(pairId)).toBe(false)
          for (const score of readBack.scores.subarray(0, readBack.count)) {
            expect(score).toBeGreaterThan(0)
            expect(score).toBeLessThanOrEqual(1)
          }
        }
      }),
    )
  })

  test('learns new pairs when older ones are no longer read, and mixes none of their reads', () => {
    const readBack = newReadBack({ maxTracked: 4 })
    const times = (count: number, ...pairIds: number[]) => Array.from({ length: count }, () => pairIds).flat()
    proposedAfter(times(10, 1, 2, 3, 4), readBack)
    expect([readBack.refusedReads, readBack.recycled]).toEqual([0, 0])
    // No pair that is still read makes room.
    proposedAfter(times(3, 1, 2, 3, 4, 9), readBack)
    expect([readBack.refusedReads, readBack.recycled]).toEqual([3, 0])
    // A pair keeps its row for 4 × rows sightings: new pairs must come so often before they get one.
    const after = proposedAfter([...times(20, 31, 32, 33), 31], readBack)
    expect(readBack.refusedReads).toBeGreaterThan(3)
    expect([readBack.recycled, after.toSorted()]).toEqual([3, [32, 33]])
  })

  test('needs a log whose size is a power of two', () => {
    expect(() => newReadBack({ logReads: 1000 })).toThrow('logReads: expected a power of two, got 1000')
  })
})

describe('confidence', () => {
  const newConfidence = () => new Confidence({ maxPairs: PAIRS, horizon: 10 })

  test('begins with a quarter of the share of appearances, and moves to the share that comes true', () => {
    const confidence = newConfidence()
    const bucket = confidence.bucketOf(4, 2, 0)
    expect(confidence.of(bucket)).toBe(0.125)
    for (let now = 0; now < 1000; now += 2) {
      confidence.propose(3, bucket, now)
      confidence.read(3, now + 1)
    }
    expect(confidence.of(bucket)).toBeGreaterThan(0.95)
  })

  test('falls with proposals that nobody reads, and with those that are read too late', () => {
    const confidence = newConfidence()
    const bucket = confidence.bucketOf(1, 1, 3)
    for (let now = 0; now < 20_000; now += 20) {
      confidence.propose(3, bucket, now)
      confidence.read(3, now + 11)
    }
    expect(confidence.of(bucket)).toBeLessThan(0.02)
  })

  test('counts a pair’s proposal once until it is judged', () => {
    const confidence = newConfidence()
    const bucket = confidence.bucketOf(1, 1, 0)
    for (let now = 0; now < 5; now++) confidence.propose(3, bucket, now)
    confidence.read(3, 6)
    confidence.read(3, 7)
    expect(confidence.of(bucket)).toBeCloseTo((1 + 10 * 0.25) / (1 + 10))
  })

  test('counts a pair that is proposed twice in the likelier bucket, whichever came first', () => {
    for (const order of ['weak first', 'strong first']) {
      const confidence = newConfidence()
      const [weak, strong] = [confidence.bucketOf(8, 1, 3), confidence.bucketOf(8, 8, 0)]
      const reasons = order === 'weak first' ? [weak, strong] : [strong, weak]
      for (let now = 0; now < 1_000; now += 20) {
        for (const [at, bucket] of reasons.entries()) confidence.propose(3, bucket, now + at)
        confidence.read(3, now + 2)
      }
      expect([order, confidence.of(strong)]).toEqual([order, expect.closeTo((50 + 10 * 0.25) / (50 + 10))])
      expect([order, confidence.of(weak)]).toEqual([order, expect.closeTo(0.25 / 8)])
    }
  })

  test('is a probability, even if buckets were halved while their proposals waited', () => {
    const confidence = new Confidence({ maxPairs: 10_000, horizon: 100_000 })
    const [weak, strong] = [confidence.bucketOf(8, 1, 3), confidence.bucketOf(8, 8, 0)]
    for (let pairId = 0; pairId < 6_000; pairId++) confidence.propose(pairId, weak, pairId)
    for (let pairId = 0; pairId < 6_000; pairId++) {
      confidence.read(6_000 + pairId, 6_000)
      if (pairId < 3_000) confidence.propose(pairId, strong, 6_000)
      else confidence.read(pairId, 6_000)
      for (const bucket of [weak, strong]) {
        expect(confidence.of(bucket)).toBeGreaterThan(0)
        expect(confidence.of(bucket)).toBeLessThanOrEqual(1)
      }
    }
  })

  test('forgets half of a bucket when it is full, so that it adapts', () => {
    const confidence = newConfidence()
    const bucket = confidence.bucketOf(8, 8, 0)
    const judge = (times: number, isRead: boolean): void => {
      for (let i = 0; i < times; i++) {
        confidence.propose(3, bucket, i * 100)
        confidence.read(3, i * 100 + (isRead ? 1 : 50))
      }
    }
    judge(20_000, true)
    judge(20_000, false)
    expect(confidence.of(bucket)).toBeLessThan(0.1)
  })
})
