import { describe, expect, test } from '@jest/globals'
import { LagProfile, PROFILE_MS } from '../../../../src/correlation/mined/punctual/lag-profile.ts'

function sumOf(profile: LagProfile): number {
  return Array.from({ length: PROFILE_MS }, (_, lagMs) => profile.of(lagMs)).reduce((sum, share) => sum + share, 0)
}

describe('a profile of lags', () => {
  test('gives all lags the same probability before any was seen', () => {
    expect(new LagProfile().of(0)).toBeCloseTo(1 / PROFILE_MS)
    expect(sumOf(new LagProfile())).toBeCloseTo(1)
  })

  test('gives seen lags a higher probability, and leaves some to the others', () => {
    const profile = new LagProfile()
    for (let seen = 0; seen < 30; seen++) profile.add(50)
    for (let seen = 0; seen < 10; seen++) profile.add(90)
    expect([profile.of(50), profile.of(90)].map((share) => share.toFixed(3))).toEqual(['0.676', '0.226'])
    expect(profile.of(10)).toBeCloseTo(0.1 / PROFILE_MS)
    expect(sumOf(profile)).toBeCloseTo(1)
  })

  test('forgets old lags', () => {
    const profile = new LagProfile()
    for (let seen = 0; seen < 10_000; seen++) profile.add(50)
    for (let seen = 0; seen < 20_000; seen++) profile.add(90)
    expect(profile.of(50)).toBeLessThan(0.05)
    expect(sumOf(profile)).toBeCloseTo(1)
  })
})
