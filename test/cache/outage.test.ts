import { expect, test } from '@jest/globals'
import { Outage } from '../../src/cache/outage.ts'

test('an outage is told once with its first reason when it begins, and once when it is over', () => {
  const told: string[] = []
  const outage = new Outage({ onAway: (reason) => told.push(reason), onBack: () => told.push('back') })
  outage.saw(undefined)
  expect([told, outage.reason]).toEqual([[], undefined])
  outage.saw('timeout')
  outage.saw('not connected')
  expect([told, outage.reason]).toEqual([['timeout'], 'not connected'])
  outage.saw(undefined)
  outage.saw(undefined)
  expect([told, outage.reason]).toEqual([['timeout', 'back'], undefined])
  outage.saw('timeout')
  expect(told).toEqual(['timeout', 'back', 'timeout'])
})
