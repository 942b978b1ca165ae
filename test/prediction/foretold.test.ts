import { expect, test } from '@jest/globals'
import { foretold } from '../../bench/traffic/foretold.ts'
import type { Pattern } from '../../bench/traffic/planted-weeks.ts'

const SEED = 1
const of = (pattern: Pattern) => foretold(pattern, { pairs: 400, seed: SEED })

test('pairs that are read in the same hours every day are recommended before popular ones', () => {
  const { recommended, popular, 'rates known': known, 'time-of-day': usual } = of('daily')
  expect(recommended.named).toBeGreaterThan(popular.named * 1.15)
  expect(recommended.named).toBeGreaterThan(known.named * 0.9)
  expect(usual.named).toBeGreaterThan(popular.named)
})

test('the forecast knows more than the time of day if a pair’s hours differ by weekday', () => {
  const { recommended, popular, forecast, 'time-of-day': usual } = of('weekly')
  expect(forecast.named).toBeGreaterThan(usual.named * 1.1)
  expect(recommended.named).toBeGreaterThan(popular.named * 1.05)
})

test('without a pattern, popularity is as good as knowing the rates, and recommendations are little worse', () => {
  const { recommended, popular, 'rates known': known } = of('steady')
  expect(popular.named).toBeGreaterThan(known.named * 0.95)
  expect(recommended.named).toBeGreaterThan(popular.named * 0.9)
})

test('the same seed gives the same figures', () => {
  expect(of('sectors')).toEqual(of('sectors'))
})
