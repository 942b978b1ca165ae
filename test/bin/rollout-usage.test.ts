import { expect, test } from '@jest/globals'
import { forewarm } from './forewarm-process.ts'

test.each([
  [['set'], 'rollout set: expected a mode: off, shadow, canary, full'],
  [
    ['set', 'loud'],
    "command-argument value 'loud' is invalid for argument 'mode'. Allowed choices are off, shadow, canary, full.",
  ],
  [['set', 'canary', '--percent', '101'], 'Expected a percentage from 0 to 100.'],
  [['set', 'full', '--percent', '5'], '--percent goes with rollout set canary'],
  [['kill', 'full'], 'rollout kill: expected no mode'],
  [['kill', '--percent', '5'], '--percent goes with rollout set'],
  [['status', '--reason', 'x'], '--reason goes with rollout set and rollout kill'],
])('forewarm rollout %j is refused in one sentence', async (args, sentence) => {
  const { code, stderr } = await forewarm(['rollout', ...args], { env: {} })
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
})
