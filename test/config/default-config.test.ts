import { expect, test } from '@jest/globals'
import { defaultConfig, loadConfig } from '../../src/config/load.ts'

test('the default config is the one that is loaded without environment, file and arguments', () => {
  const loaded = loadConfig({ env: {}, readFile: () => undefined })
  expect(loaded).toMatchObject({ status: 'loaded', config: defaultConfig() })
})
