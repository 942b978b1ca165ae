import { expect, test } from '@jest/globals'
import { hostName } from '../../src/config/check.ts'
import { acceptedConfig } from '../../src/config/load.ts'

test.each(['localhost:9090', '127.0.0.1:80', '[::1]:80', ':9090'])(
  'METRICS_HOST=%s is refused as a host with a port, and not for want of a token',
  (METRICS_HOST) => {
    expect(() => acceptedConfig({ env: { METRICS_HOST } })).toThrow(/METRICS_HOST .*without a port/)
  },
)

test.each(['localhost', 'node-1.local', '127.0.0.1', '::1', '::ffff:10.0.0.1'])('%s is a host', (host) => {
  expect(hostName.parse(host, () => undefined)).toBe(host)
})
