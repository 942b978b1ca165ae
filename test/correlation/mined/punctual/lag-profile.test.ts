import { describe, expect, test } from '@jest/globals'
import { LagProfile, PROFILE_MS } from '../../../../src/correlation/mined/punctual/lag-profile.ts'

function sumOf(profile: LagProfile): number {
  return Array.from({ length: PROFILE_MS }, (_, lagMs) => profile.of(lagMs)).reduce((sum, share) => sum + share, 0)
}

describe('a profile of lags', () => {
  test('makes no difference between lags of which nothing is known', () => {
    expect(new LagProfile().of(0)).toBeCloseTo(1 / PROFILE_MS)
    expect(sumOf(new LagProfile())).toBeCloseTo(1)
  })

  test('makes those likelier that were seen, and leaves something for the others', () => {
    const profile = new LagProfile()
    for (let seen = 0; seen < 30; seen++) profile.add(50)
    for (let seen = 0; seen < 10; seen++) profile.add(90)
    expect([profile.of(50), profile.of(90)].map((share) => share.toFixed(3))).toEqual(['0.676', '0.226'])
    expect(profile.of(10)).toBeCloseTo(0.1 / PROFILE_MS)
    expect(sumOf(profile)).toBeCloseTo(1)
  })

  test('forgets what was long ago', () => {
    const profile = new LagProfile()
    for (let seen = 0; seen < 10_000; seen++) profile.add(50)
    for (let seen = 0; seen < 20_000; seen++) profile.add(90)
    expect(profile.of(50)).toBeLessThan(0.05)
    expect(sumOf(profile)).toBeCloseTo(1)
  })
})
