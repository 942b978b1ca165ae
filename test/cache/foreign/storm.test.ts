import { describe, expect, it } from '@jest/globals'
import { Storm } from '../../../src/cache/foreign/storm.ts'

const PAIRS = 1_200

function stage() {
  let nowMs = 0
  const storm = new Storm(() => nowMs)
  const round = (isTold: boolean, isSame: boolean) => {
    for (let pair = 0; pair < PAIRS; pair++) {
      if (isTold) storm.told(pair)
      storm.reread(pair, isSame)
    }
  }
  const endSecond = () => {
    nowMs += 1_001
    round(true, false)
  }
  return { storm, round, endSecond }
}

describe('a storm of messages', () => {
  it('rages when most values that were read because of one have not changed', () => {
    const { storm, round, endSecond } = stage()
    round(true, true)
    endSecond()
    expect(storm.isRaging).toBe(true)
  })

  it('is not seen where values are read after a start or a loss, and most have not changed', () => {
    const { storm, round, endSecond } = stage()
    round(true, false)
    for (let times = 0; times < 5; times++) round(false, true)
    endSecond()
    expect(storm.isRaging).toBe(false)
  })

  it('is over when the connections are lost, and forgets what it was told of then', () => {
    const { storm, round, endSecond } = stage()
    round(true, true)
    endSecond()
    for (let pair = 0; pair < PAIRS; pair++) storm.told(pair)
    storm.clear()
    expect(storm.isRaging).toBe(false)
    round(false, true)
    endSecond()
    expect(storm.isRaging).toBe(false)
  })
})
