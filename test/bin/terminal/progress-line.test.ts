import { expect, jest, test } from '@jest/globals'
import { showLine, withProgress } from '../../../bin/terminal/progress-line.ts'
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

test('the progress of work is shown from its start until it settles, even by a failure', async () => {
  jest.useFakeTimers()
  let written = ''
  const stderr = { isTTY: true, columns: 80, write: (text: string) => (written += text) }
  const failing = withProgress({ stderr } as unknown as Terminal, 'replay', async (onStart) => {
    jest.advanceTimersByTime(1_000)
    expect(written).toBe('')
    onStart(() => ({ records: 1_500, perSecond: 10, fraction: 0.5, behindMs: 0, etaMs: undefined }))
    jest.advanceTimersByTime(200)
    throw new Error('Kafka is gone')
  })
  await expect(failing).rejects.toThrow('Kafka is gone')
  const line = `replay [${'#'.repeat(12)}${'-'.repeat(12)}] 50 % · 1,500 records · 10/s`
  expect(written).toBe(`\r\x1b[K${line}\r\r\x1b[K`)
  expect(jest.getTimerCount()).toBe(0)
  jest.useRealTimers()
})
