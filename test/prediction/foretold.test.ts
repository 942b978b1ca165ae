import { expect, test } from '@jest/globals'
import { foretold } from '../../bench/traffic/foretold.ts'
import type { Pattern } from '../../bench/traffic/planted-weeks.ts'

const SEED = 1
const of = (pattern: Pattern) => foretold(pattern, { pairs: 400, seed: SEED })

test('what is read in the same hours every day is recommended before what is popular', () => {
  const { recommended, popular, 'rates known': known, 'time-of-day': usual } = of('daily')
  expect(recommended.named).toBeGreaterThan(popular.named * 1.15)
  expect(recommended.named).toBeGreaterThan(known.named * 0.9)
  expect(usual.named).toBeGreaterThan(popular.named)
})

test('of other hours each day of the week the forecast knows more than the time of day', () => {
  const { recommended, popular, forecast, 'time-of-day': usual } = of('weekly')
  expect(forecast.named).toBeGreaterThan(usual.named * 1.1)
  expect(recommended.named).toBeGreaterThan(popular.named * 1.05)
})

test('where there is no pattern, nobody knows more than what is popular, and recommendations little less', () => {
  const { recommended, popular, 'rates known': known } = of('steady')
  expect(popular.named).toBeGreaterThan(known.named * 0.95)
  expect(recommended.named).toBeGreaterThan(popular.named * 0.9)
})

test('the same seed foretells the same', () => {
  expect(of('sectors')).toEqual(of('sectors'))
})
