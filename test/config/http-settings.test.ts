import { describe, expect, test } from '@jest/globals'
import { describeConfig, loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'
import { SELF_SIGNED } from '../harness/self-signed.ts'
import { CERTIFICATE, KEY, LOCKED_KEY } from '../http/certificates.ts'

const FILES: Readonly<Record<string, string>> = { 'server.pem': CERTIFICATE, 'server.key': KEY }

function load(env: Readonly<Record<string, string>>) {
  return loadConfig({ env, readFile: (path) => FILES[path] })
}

function problems(env: Readonly<Record<string, string>>): string {
  const outcome = load(env)
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

describe('METRICS_TLS_CERT and METRICS_TLS_KEY', () => {
  const files = { METRICS_TLS_CERT: 'server.pem', METRICS_TLS_KEY: 'server.key' }

  test('are read from the files that they name, or are PEM themselves', () => {
    const outcome = load(files)
    const { tlsCert, tlsKey } = outcome.status === 'refused' ? {} : outcome.config.http
    expect([tlsCert, tlsKey]).toEqual([CERTIFICATE, KEY])
    expect(problems({ METRICS_TLS_CERT: CERTIFICATE, METRICS_TLS_KEY: KEY })).toBe('loaded')
  })

  test.each([
    ['a file that is missing', { METRICS_TLS_CERT: 'gone.pem' }, 'METRICS_TLS_CERT (environment): got "gone.pem"'],
    ['one without the other', { METRICS_TLS_KEY: '' }, 'METRICS_TLS_KEY (default): got nothing'],
    ['the key of another certificate', { METRICS_TLS_KEY: SELF_SIGNED.key }, 'got the key of another certificate'],
    ['a key behind a passphrase', { METRICS_TLS_KEY: LOCKED_KEY }, 'got a key that cannot be read'],
  ])('are refused with one sentence: %s', (_, env, told) => {
    const sentence = problems({ ...files, ...env })
    expect(sentence).toContain(told)
    expect(sentence.split('\n')).toHaveLength(1)
  })
})

describe('FOREWARM_READ_TOKEN', () => {
  test('is another token than FOREWARM_TOKEN, and neither is shown', () => {
    const told = problems({ FOREWARM_TOKEN: 'correct-horse', FOREWARM_READ_TOKEN: 'correct-horse' })
    expect(told).toContain('FOREWARM_READ_TOKEN (environment): got the same token; allowed: another one')
    expect(told).not.toContain('horse')
    const outcome = load({ FOREWARM_TOKEN: 'correct-horse', FOREWARM_READ_TOKEN: 'battery-staple' })
    const shown = outcome.status === 'refused' ? [] : describeConfig(outcome)
    expect(shown.find(({ name }) => name === 'FOREWARM_READ_TOKEN')?.value).toBe('********')
  })

  test('does not take the place of FOREWARM_TOKEN on an address that other machines reach', () => {
    expect(problems({ METRICS_HOST: '0.0.0.0', FOREWARM_READ_TOKEN: 'battery-staple' })).toContain('FOREWARM_TOKEN')
  })
})
