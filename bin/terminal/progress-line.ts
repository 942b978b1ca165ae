import type { ReplayProgress } from '../../src/replay/progress.ts'
import type { Terminal } from './terminal.ts'

const ON_TERMINAL_MS = 200
const IN_LOG_MS = 5000
const BAR_CELLS = 24
/** Less than this behind the schedule is what timers do. */
const NOTABLE_MS = 250

/**
 * Shows how far it has come on standard error: in place on a terminal, otherwise as a line every few seconds and, where
 * there was one, at the end. The returned function ends it.
 */
export function showProgress(terminal: Terminal, what: string, read: () => ReplayProgress): () => void {
  return showLine(terminal, () => `${what} ${progressText(read())}`)
}

/** The same for a line of any words. */
export function showLine({ stderr }: Terminal, read: () => string): () => void {
  const inPlace = stderr.isTTY === true
  let isShown = false
  const show = () => {
    isShown = true
    const line = read()
    // The cursor goes back to the beginning, where a row that is printed meanwhile covers the line.
    stderr.write(inPlace ? `\r\x1b[K${line.slice(0, stderr.columns - 1)}\r` : `${line}\n`)
  }
  const timer = setInterval(show, inPlace ? ON_TERMINAL_MS : IN_LOG_MS)
  return () => {
    clearInterval(timer)
    if (inPlace) stderr.write('\r\x1b[K')
    else if (isShown) show()
  }
}

export function progressText({ records, perSecond, fraction, behindMs, etaMs }: ReplayProgress): string {
  return [
    ...(fraction === undefined ? [] : [`${bar(fraction)} ${Math.floor(fraction * 100)} %`]),
    `${counted(records)} records`,
    `${counted(Math.round(perSecond))}/s`,
    ...(behindMs > NOTABLE_MS ? [`${duration(behindMs)} behind`] : []),
    ...(behindMs < -NOTABLE_MS ? [`next in ${duration(-behindMs)}`] : []),
    ...(etaMs === undefined || fraction === 1 ? [] : [`${duration(etaMs)} left`]),
  ].join(' · ')
}

export function bar(fraction: number): string {
  const filled = Math.round(fraction * BAR_CELLS)
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_CELLS - filled)}]`
}

export function counted(n: number): string {
  return n.toLocaleString('en-US')
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
