import { expect, test } from '@jest/globals'
import { forewarm } from './forewarm-process.ts'

test.each([
  [['run'], {}, 'schedules run: expected a name: start-up, popular, time-of-day'],
  [['run', 'populer'], {}, 'schedules run: there is no schedule populer; there are start-up, popular'],
  [['run', 'popular'], { SCHEDULE_POPULAR: '{"enabled":false}' }, 'popular is switched off by the settings'],
  [['list', 'popular'], {}, 'schedules list: expected no name'],
  [['list', '--by', 'ana'], {}, '--by goes with schedules run'],
  [['start'], {}, 'Allowed choices are list, run.'],
])('forewarm schedules %j with %j is refused in one sentence', async (args, env, sentence) => {
  const { code, stderr } = await forewarm(['schedules', ...args], { env })
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
})
