import { expect, jest, test } from '@jest/globals'
import { showLine } from '../../../bin/terminal/progress-line.ts'
import type { Terminal } from '../../../bin/terminal/terminal.ts'
import { until } from '../../harness/until.ts'

test('a progress line leaves the cursor at the start of its row, and is erased at the end', async () => {
  let written = ''
  const stderr = { isTTY: true, columns: 80, write: (text: string) => (written += text) }
  const stop = showLine({ stderr } as unknown as Terminal, () => 'half')
  await until('it is shown', () => written !== '')
  expect(written.endsWith('half\r')).toBe(true)
  stop()
  expect(written.endsWith('half\r\r\x1b[K')).toBe(true)
})

test('progress in a log ends with how far the work came', () => {
  jest.useFakeTimers()
  let written = ''
  let done = 98
  const stop = showLine(
    { stderr: { write: (text: string) => (written += text) } } as unknown as Terminal,
    () => `${done} %`,
  )
  jest.advanceTimersByTime(5_000)
  done = 100
  stop()
  expect(written).toBe('98 %\n100 %\n')
  jest.useRealTimers()
})

test('work that ends before the first progress line has none in a log', () => {
  let written = ''
  showLine({ stderr: { write: (text: string) => (written += text) } } as unknown as Terminal, () => 'done')()
  expect(written).toBe('')
})
