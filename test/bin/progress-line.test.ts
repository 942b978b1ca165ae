import { expect, test } from '@jest/globals'
import { showLine } from '../../bin/progress-line.ts'
import type { Terminal } from '../../bin/terminal.ts'
import { until } from '../harness/until.ts'

test('a line of progress leaves the cursor where the next row belongs, and nothing behind it', async () => {
  let written = ''
  const stderr = { isTTY: true, columns: 80, write: (text: string) => (written += text) }
  const stop = showLine({ stderr } as unknown as Terminal, () => 'half')
  await until('it is shown', () => written !== '')
  expect(written.endsWith('half\r')).toBe(true)
  stop()
  expect(written.endsWith('half\r\r\x1b[K')).toBe(true)
})
