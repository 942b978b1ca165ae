import type { ReplayProgress } from '../../src/replay/progress.ts'
import type { Terminal } from './terminal.ts'

const ON_TERMINAL_MS = 200
const IN_LOG_MS = 5000
const BAR_CELLS = 24
/** Timers alone may be this much behind the schedule. */
const NOTABLE_MS = 250

type Work<T> = (onStart: (progress: () => ReplayProgress) => void) => Promise<T>

/** Shows how far `work` has come, from its call of `onStart` until it settles. */
export function withProgress<T>(terminal: Terminal, name: string, work: Work<T>): Promise<T> {
  let stop = () => {}
  return work((progress) => {
    stop = showLine(terminal, () => `${name} ${progressText(progress())}`)
  }).finally(() => stop())
}

/**
 * Shows a line on standard error: in place on a terminal; elsewhere every few seconds, and once more at the end if it
 * was shown at all. The returned function ends it.
 */
export function showLine({ stderr }: Terminal, read: () => string): () => void {
  const inPlace = stderr.isTTY === true
  let isShown = false
  const show = () => {
    isShown = true
    const line = read()
    // The cursor returns to the beginning, so that a row printed meanwhile overwrites the line.
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
