import { expect, test } from '@jest/globals'
import { detector } from '../../src/detect/detector.ts'
import { type OutputRefusal, Outputs } from '../../src/detect/outputs.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

test('outputs of a node that must not publish are counted under their detector and told, and nothing is awaited', () => {
  const metrics = createMetrics()
  const refusals: OutputRefusal[] = []
  const detectors = [detector('silent', {}, () => undefined), detector('found', { output: 'spreads' }, () => 1)]
  const outputs = new Outputs({ detectors, metrics, sender: undefined, onRefused: (refusal) => refusals.push(refusal) })
  const at = {
    origin: { topic: 'prices', partition: 3, offset: 7n },
    update: { pair: 'A', chain: 'ethereum', price: 1, eventTimeMs: 5 },
  }
  const waits = [outputs.found(0, at, 1), outputs.found(1, at, 1), outputs.found(1, at, undefined), outputs.room()]
  expect(waits).toEqual([undefined, undefined, undefined, undefined])
  const labels = { detector: 'found', reason: 'replay' }
  expect(metrics.counter('detector_outputs_refused_total', labels).value).toBe(1)
  expect(outputs.counts(1)).toEqual({ outputs: 0, outputsRefused: 1 })
  expect(refusals).toMatchObject([{ ...at, detector: 'found', output: 'spreads', reason: 'replay' }])
})

test('a detector’s output must be the name of one topic', () => {
  const withOutput = (output: unknown) => () => detector('spread', { output: output as string }, () => 1)
  const allowed = 'one topic (names of 1 to 249 letters, digits, dots, underscores and hyphens)'
  expect(withOutput('a b')).toThrow(`detector spread: output: expected ${allowed}, got "a b"`)
  expect(withOutput(['a'])).toThrow(`detector spread: output: expected ${allowed}, got a list`)
  expect(withOutput('..')).toThrow(`got ".."`)
})
