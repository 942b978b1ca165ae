import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function problems(file: string): string {
  const outcome = loadConfig({ env: {}, readFile: () => file })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

test('the keys that an unknown one of the settings file could be are told, and formats is one of them', () => {
  const [near, far] = problems('{ "format": {}, "elsewhere": {} }').split('\n')
  expect(near).toBe('format (file): got an unknown key; allowed: did you mean formats?')
  expect(far).toMatch(/^elsewhere \(file\): got an unknown key; allowed: one of kafka, .*, formats$/)
})

test('a settings file with a comma too many is refused as no JSON, with its place', () => {
  expect(problems('{ "kafka": {}, }')).toMatch(
    /^forewarm.config.json \(file\): got no JSON: .*column 16.*; allowed: a file that holds one JSON object$/,
  )
})
