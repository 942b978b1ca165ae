import type { NodeStats } from '../../index.ts'
import { counted } from './progress-line.ts'
import { figuresJson } from './terminal.ts'

/** Counts since the start, of the node that warms, the node that does not, and the publisher that feeds both. */
export interface DevCounts {
  readonly warmed: NodeStats
  readonly unwarmed: NodeStats
  /** Updates that the broker did not accept. */
  readonly notSent: number
}

/**
 * Rates and hit ratios cover the last seconds; latencies, the share of used warms and the updates that were not sent
 * cover the whole run. Ratios and shares are 0 to 1. Undefined means not measured yet.
 */
export interface DevFigures {
  readonly updatesPerSecond: number
  readonly updatesNotSent: number
  readonly hitRatioWarmed: number | undefined
  readonly hitRatioUnwarmed: number | undefined
  readonly warmsPerSecond: number
  readonly warmsUsedShare: number | undefined
  readonly endToEndMsP50: number | undefined
  readonly endToEndMsP99: number | undefined
}

/** The part of an output stream that a panel needs. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface PanelOptions {
  /** The counts at the start: the first figures are those since then. */
  readonly from: DevCounts
  readonly stdout: Screen
  readonly json: boolean
  /** The places of the broker and of L2, for people. */
  readonly broker: string
  readonly l2: string
  readonly httpPort: number | undefined
  /** How long the detector of both nodes waits before it reads, in milliseconds. */
  readonly lookAfterMs: number
}

/** Long enough for a ratio to be read, short enough to see it rise. */
const WINDOW_MS = 5_000
const BAR_CELLS = 30

/** Draws in place on a terminal; elsewhere each drawing is one line. */
export class DevPanel {
  readonly #options: PanelOptions
  #drawnLines = 0
  readonly #history: (DevCounts & { readonly atMs: number })[] = []

  constructor(options: PanelOptions) {
    this.#options = options
    this.#history.push({ ...options.from, atMs: performance.now() })
  }

  draw(counts: DevCounts): void {
    const { stdout, json } = this.#options
    const figures = this.#figures(counts)
    if (json) stdout.write(`${figuresJson(figures)}\n`)
    else if (!stdout.isTTY) stdout.write(`${figuresLine(figures)}\n`)
    else this.#redraw(panelLines(figures, counts.warmed, this.#options))
  }

  /** Draws for the last time and leaves the cursor below. */
  end(counts: DevCounts): void {
    this.draw(counts)
    if (this.#drawnLines > 0) this.#options.stdout.write(`\x1b[${this.#drawnLines}B`)
  }

  #figures(counts: DevCounts): DevFigures {
    const atMs = performance.now()
    this.#history.push({ ...counts, atMs })
    while (this.#history.length > 2 && atMs - (this.#history[0]?.atMs ?? atMs) > WINDOW_MS) this.#history.shift()
    const before = this.#history[0] ?? { ...counts, atMs }
    return figuresBetween(before, counts, (atMs - before.atMs) / 1000)
  }

  /** The cursor waits above the panel, so that a logged line pushes the panel down instead of tearing it. */
  #redraw(lines: readonly string[]): void {
    const { stdout } = this.#options
    const text = lines.map((line) => `${line.slice(0, stdout.columns)}\x1b[K\n`).join('')
    stdout.write(`\r${text}\x1b[J\x1b[${lines.length}A`)
    this.#drawnLines = lines.length
  }
}

export function figuresBetween(before: DevCounts, after: DevCounts, seconds: number): DevFigures {
  const { warms, endToEndMs } = after.warmed
  const rate = (count: number) => (seconds > 0 ? Math.round(count / seconds) : 0)
  return {
    updatesPerSecond: rate(after.warmed.updates - before.warmed.updates),
    updatesNotSent: after.notSent,
    hitRatioWarmed: hitRatio(before.warmed, after.warmed),
    hitRatioUnwarmed: hitRatio(before.unwarmed, after.unwarmed),
    warmsPerSecond: rate(warms.admitted - before.warmed.warms.admitted),
    warmsUsedShare: share(warms.used, warms.used + warms.unused),
    endToEndMsP50: tenths(endToEndMs?.p50),
    endToEndMsP99: tenths(endToEndMs?.p99),
  }
}

function figuresLine(figures: DevFigures): string {
  const { updatesPerSecond, updatesNotSent, hitRatioWarmed, hitRatioUnwarmed, warmsPerSecond } = figures
  return [
    `${updatesPerSecond} updates/s`,
    `L1 hit ratio ${percent(hitRatioWarmed)} warmed, ${percent(hitRatioUnwarmed)} without`,
    `${warmsPerSecond} warms/s`,
    `update to L1 ${latencies(figures)}`,
    ...(updatesNotSent > 0 ? [`${updatesNotSent} updates NOT SENT`] : []),
  ].join(' · ')
}

function panelLines(
  figures: DevFigures,
  { pairs, l1 }: NodeStats,
  { broker, l2, httpPort, lookAfterMs }: PanelOptions,
): readonly string[] {
  const { hitRatioWarmed, hitRatioUnwarmed, updatesPerSecond, updatesNotSent, warmsPerSecond, warmsUsedShare } = figures
  return [
    '',
    'Forewarm: a simulated market',
    '',
    `  L1 hit ratio   with warming     ${bar(hitRatioWarmed)}  ${percent(hitRatioWarmed)}`,
    `                 without warming  ${bar(hitRatioUnwarmed)}  ${percent(hitRatioUnwarmed)}`,
    '',
    `  updates        ${counted(updatesPerSecond)}/s of ${counted(pairs)} pairs; L1 has room for ${counted(l1.slots)}`,
    ...(updatesNotSent > 0 ? [`                 ${counted(updatesNotSent)} NOT SENT since the start`] : []),
    `  warms          ${counted(warmsPerSecond)}/s; ${percent(warmsUsedShare)} were read before they left L1`,
    `  update to L1   ${latencies(figures)} since the start`,
    '',
    `  broker         ${broker}`,
    `  L2             ${l2}`,
    `  metrics        ${httpPort === undefined ? 'off' : `http://127.0.0.1:${httpPort}/metrics`}`,
    '',
    '  Two nodes read the same topic with the same detector; only one of them warms.',
    `  The detector reads ${lookAfterMs} ms after its update; later updates wait for it.`,
    `  Ratios and rates are those of the last ${WINDOW_MS / 1000} s. Ctrl-C ends it.`,
    '',
  ]
}

function latencies({ endToEndMsP50, endToEndMsP99 }: DevFigures): string {
  return `p50 ${endToEndMsP50 ?? '–'} ms, p99 ${endToEndMsP99 ?? '–'} ms`
}

function hitRatio(before: NodeStats, after: NodeStats): number | undefined {
  const hits = after.reads.hits - before.reads.hits
  return share(hits, hits + after.reads.misses - before.reads.misses)
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${(ratio * 100).toFixed(1)} %`
}

function bar(ratio = 0): string {
  const filled = Math.round(ratio * BAR_CELLS)
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
}

function tenths(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10
}
