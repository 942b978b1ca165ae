import { describe, expect, test } from '@jest/globals'
import { MIXED, sourceName, sourceOfName, WHOLE } from '../../../src/cache/sources/codes.ts'
import { loadDouble } from '../../../src/cache/sources/shared-double.ts'
import { EVERYTHING, FOLLOWS, MAX_SOURCES, NEVER, Sources, UNKNOWN_SOURCE } from '../../../src/cache/sources/sources.ts'

describe('the sources of values', () => {
  test('are numbered by partition, with codes that are the same in every process', () => {
    const [one, other] = [new Sources(), new Sources()]
    other.idOf('before', 3)
    const [a, b] = [one.idOf('prices', 7), other.idOf('prices', 7)]
    expect(a).not.toBe(b)
    expect(one.codeOf(a)).toBe(other.codeOf(b))
    expect(one.ofCode(one.codeOf(a))).toBe(a)
    expect([one.codeOf(UNKNOWN_SOURCE), one.ofCode(0), one.ofCode(12345)]).toEqual([0, 0, 0])
  })

  test('of two topics with one code have no source by it, and such topics are counted', () => {
    const sources = new Sources()
    const one = sources.idOf('prices.2137', 0)
    expect([sources.codes.clashes, sources.ofCode(sources.codeOf(one))]).toEqual([0, one])
    const other = sources.idOf('prices.2325', 0)
    expect(sources.codeOf(other)).toBe(sources.codeOf(one))
    expect([sources.codes.clashes, sources.ofCode(sources.codeOf(one))]).toEqual([1, UNKNOWN_SOURCE])
  })

  test('are bounded: a partition beyond the bound has an unknown source, is not followed, and is counted', () => {
    const sources = new Sources()
    for (let partition = 0; sources.size < MAX_SOURCES; partition++) sources.idOf('prices', partition)
    const epoch = sources.epoch
    sources.follow(sources.idOf('other', 0))
    expect([sources.idOf('other', 0), sources.refused, sources.epoch]).toEqual([UNKNOWN_SOURCE, 1, epoch])
    sources.raise(UNKNOWN_SOURCE, 5)
    expect([sources.isFollowed(UNKNOWN_SOURCE), sources.asOf(UNKNOWN_SOURCE)]).toEqual([false, NEVER])
  })

  test('have names that are read back, and other names are none', () => {
    for (const source of [
      { topic: 'a/b', partition: 12 },
      { topic: 'prices.x', partition: WHOLE },
    ])
      expect(sourceOfName(sourceName(source))).toEqual(source)
    for (const name of ['', '/', '/3', 'prices', 'prices/', 'prices/x', 'prices/-1', 'prices/99999999'])
      expect(sourceOfName(name)).toBeUndefined()
  })

  test('have moments that only go on, until the node gets the partition', () => {
    const sources = new Sources()
    const id = sources.idOf('prices', 0)
    sources.raise(id, 20)
    sources.raise(id, 10)
    expect(sources.asOf(id)).toBe(20)
    sources.follow(id)
    expect([sources.isFollowed(id), sources.asOf(id)]).toEqual([true, NEVER])
    sources.raise(id, 30)
    sources.lose(id)
    expect([sources.isFollowed(id), sources.asOf(id)]).toEqual([false, 30])
  })

  test('are seen whole by other threads', () => {
    const sources = new Sources()
    const id = sources.idOf('prices', 0)
    sources.raise(id, 1234.5)
    expect(loadDouble(new BigInt64Array(sources.buffer), id)).toBe(1234.5)
  })
})

describe('a topic as a whole', () => {
  test('is as old as the oldest of its partitions, and unknown while one of them is', () => {
    const sources = new Sources()
    const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    sources.raise(first, 50)
    expect(sources.asOf(sources.wholeOf('prices'))).toBe(NEVER)
    sources.raise(second, 40)
    expect(sources.asOf(sources.wholeOf('prices'))).toBe(40)
    sources.grow('prices', 3)
    expect(sources.asOf(sources.wholeOf('prices'))).toBe(NEVER)
    sources.raise(first, 60)
    expect(sources.asOf(sources.wholeOf('prices'))).toBe(NEVER)
    sources.raise(sources.idOf('prices', 2), 70)
    expect(sources.asOf(sources.wholeOf('prices'))).toBe(40)
  })

  test('that is made again with fewer partitions is as old as the oldest of those, whoever still gives up the others', () => {
    const sources = new Sources()
    sources.grow('prices', 3)
    const ids = [0, 1, 2].map((partition) => sources.idOf('prices', partition))
    const whole = sources.wholeOf('prices')
    const [first = 0, second = 0, third = 0] = ids
    sources.follow(third)
    for (const id of ids) sources.raise(id, id === third ? 10 : 20)
    expect(sources.asOf(whole)).toBe(10)
    sources.remake('prices', 2)
    expect([sources.resolve(first), sources.asOf(whole), sources.asOf(EVERYTHING)]).toEqual([whole, 20, 20])
    sources.lose(sources.idOf('prices', 2))
    for (const id of [first, second]) sources.raise(id, 30)
    expect([sources.asOf(whole), sources.asOf(EVERYTHING)]).toEqual([30, 30])
    for (const id of [first, second]) sources.follow(id)
    expect([sources.isFollowed(whole), sources.isFollowed(EVERYTHING)]).toEqual([true, true])
    // It grows again, and this node gets the third before its broker tells of it.
    sources.follow(third)
    for (const id of [first, second]) sources.raise(id, 40)
    expect([sources.isFollowed(whole), sources.asOf(whole)]).toEqual([true, NEVER])
  })

  test('that is gone for good holds back all topics as one no longer, until it is there again', () => {
    const sources = new Sources()
    const [here, gone] = ['here', 'gone'].map((topic) => {
      sources.grow(topic, 1)
      return sources.idOf(topic, 0)
    })
    sources.raise(gone ?? 0, 10)
    sources.follow(here ?? 0)
    sources.raise(here ?? 0, 20)
    expect(sources.asOf(EVERYTHING)).toBe(10)
    sources.remake('gone', 0)
    expect([sources.asOf(EVERYTHING), sources.isFollowed(EVERYTHING)]).toEqual([20, true])
    expect([sources.asOf(sources.wholeOf('gone')), sources.isFollowed(sources.wholeOf('gone'))]).toEqual([10, false])
    sources.remake('here', 0)
    expect(sources.asOf(EVERYTHING)).toBe(NEVER)
    sources.grow('here', 1)
    sources.raise(here ?? 0, 30)
    expect([sources.asOf(EVERYTHING), sources.isFollowed(EVERYTHING)]).toEqual([30, false])
    sources.grow('gone', 1)
    expect(sources.asOf(EVERYTHING)).toBe(10)
    sources.raise(gone ?? 0, 40)
    expect(sources.asOf(EVERYTHING)).toBe(30)
  })

  test('is followed while all of its partitions are', () => {
    const sources = new Sources()
    const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    sources.follow(first)
    expect(sources.isFollowed(sources.wholeOf('prices'))).toBe(false)
    sources.follow(second)
    expect(sources.isFollowed(sources.wholeOf('prices'))).toBe(true)
    sources.lose(first)
    expect(sources.isFollowed(sources.wholeOf('prices'))).toBe(false)
  })

  test('is the source of all its pairs once one pair came from two of its partitions', () => {
    const sources = new Sources()
    const [first, second, other] = [sources.idOf('a', 0), sources.idOf('a', 1), sources.idOf('b', 0)]
    const { epoch } = sources
    let merged = 0
    sources.onMerged = () => merged++
    sources.merge(first, second)
    sources.merge(first, second)
    expect([merged, sources.epoch]).toEqual([1, epoch + 1])
    expect([first, second, other].map((id) => sources.resolve(id))).toEqual([
      sources.wholeOf('a'),
      sources.wholeOf('a'),
      other,
    ])
    expect(sources.ofCode(sources.codeOf(first))).toBe(sources.wholeOf('a'))
  })

  test.each<readonly [how: string, grow: (sources: Sources) => void]>([
    ['told', (sources) => sources.grow('prices', 3)],
    ['found out from a partition', (sources) => sources.idOf('prices', 2)],
  ])('is the source of all its pairs once it has grown, if that is %s: pairs may have moved', (_, grow) => {
    const sources = new Sources()
    sources.grow('prices', 2)
    const first = sources.idOf('prices', 0)
    sources.raise(first, 10)
    expect(sources.resolve(first)).toBe(first)
    grow(sources)
    expect([sources.resolve(first), sources.asOf(sources.wholeOf('prices'))]).toEqual([
      sources.wholeOf('prices'),
      NEVER,
    ])
  })

  test('and all others are one source once a pair came from two topics, or L2 says that its pair has several', () => {
    const sources = new Sources()
    const [a, b] = [sources.idOf('a', 0), sources.idOf('b', 0)]
    sources.raise(a, 10)
    sources.raise(b, 20)
    expect([sources.ofCode(MIXED), sources.asOf(EVERYTHING)]).toEqual([EVERYTHING, 10])
    sources.merge(a, b)
    expect([sources.resolve(a), sources.resolve(b), sources.resolve(UNKNOWN_SOURCE)]).toEqual([
      EVERYTHING,
      EVERYTHING,
      UNKNOWN_SOURCE,
    ])
    sources.follow(a)
    expect(sources.isFollowed(EVERYTHING)).toBe(false)
    sources.follow(b)
    expect(sources.isFollowed(EVERYTHING)).toBe(true)
  })
})

describe('the codes of a pair’s two values', () => {
  const stage = () => {
    const sources = new Sources()
    const [a0, a1, b0] = [sources.idOf('a', 0), sources.idOf('a', 1), sources.idOf('b', 0)]
    return { sources, a0, a1, b0 }
  }

  test('make their topic one source if it is the same, and leave the others alone', () => {
    for (const kind of ['the partition', 'a partition that is not known here', 'the topic as a whole']) {
      const { sources, a0, a1, b0 } = stage()
      const other = kind === 'the topic as a whole' ? sources.wholeOf('a') : a1
      sources.mergeCodes(sources.codeOf(a0), sources.codeOf(other) + (kind.endsWith('here') ? 5 : 0))
      expect([a0, a1, b0].map((id) => sources.resolve(id))).toEqual([sources.wholeOf('a'), sources.wholeOf('a'), b0])
      expect(sources.found()).toEqual([{ topic: 'a', partition: WHOLE }])
    }
  })

  test('make all topics one source if they are of two topics, if one is not known, and if one is mixed', () => {
    for (const code of [stage().sources.codeOf(stage().b0), 12345, MIXED]) {
      const { sources, a0, b0 } = stage()
      sources.mergeCodes(sources.codeOf(a0), code)
      expect([a0, b0].map((id) => sources.resolve(id))).toEqual([EVERYTHING, EVERYTHING])
    }
  })

  test('tell 4,094 partitions of a topic apart, and a topic with more of them is one source', () => {
    const sources = new Sources()
    const last = sources.idOf('a', 4093)
    const whole = sources.wholeOf('a')
    expect([sources.resolve(last), sources.ofCode(sources.codeOf(last))]).toEqual([last, last])
    const beyond = sources.idOf('a', 4094)
    expect([sources.codeOf(beyond), sources.ofCode(sources.codeOf(beyond))]).toEqual([sources.codeOf(whole), whole])
    expect([last, beyond].map((id) => sources.resolve(id))).toEqual([whole, whole])
  })
})

describe('a source in doubt', () => {
  test('leaves a topic alone of which it is no partition, and keeps all topics as one in doubt', () => {
    const sources = new Sources()
    const [a0, dead] = [sources.idOf('a', 0), sources.idOf('dead', 0)]
    sources.raise(a0, 100)
    sources.raise(dead, 50)
    sources.doubt()
    sources.trust(a0)
    const whole = sources.wholeOf('a')
    expect([whole, EVERYTHING, dead].map((id) => sources.isDoubted(id))).toEqual([false, true, true])
    expect([sources.asOfStored(whole), sources.asOfStored(EVERYTHING)]).toEqual([100, NEVER])
    sources.stored(dead, 40)
    expect(sources.snapshot().moments[EVERYTHING]).toBe(40)
  })
})

describe('moments that are raised together', () => {
  test('reach their topics and all topics as one at the end', () => {
    const sources = new Sources()
    const ids = ['a', 'b'].flatMap((topic) => [0, 1].map((partition) => sources.idOf(topic, partition)))
    sources.together(() => {
      for (const [at, id] of ids.entries()) sources.raise(id, 10 + at)
    })
    expect([sources.wholeOf('a'), sources.wholeOf('b'), EVERYTHING].map((id) => sources.asOf(id))).toEqual([10, 12, 10])
  })
})

describe('a value that a load brings', () => {
  test('is the newest as of what was known when the load was sent, not when it was answered', () => {
    const sources = new Sources()
    const id = sources.idOf('prices', 0)
    sources.raise(id, 10)
    const sent = sources.snapshot()
    sources.raise(id, 20)
    const late = sources.idOf('prices', 1)
    expect([sources.asOfLoaded(id, sent), sources.asOfLoaded(late, sent)]).toEqual([10, NEVER])
  })

  test('follows its source only if the node had the partition from the sending on', () => {
    const sources = new Sources()
    const id = sources.idOf('prices', 0)
    const before = sources.snapshot()
    sources.follow(id)
    expect(sources.asOfLoaded(id, before)).toBe(NEVER)
    expect(sources.asOfLoaded(id, sources.snapshot())).toBe(FOLLOWS)
  })
})
