import type { Command } from 'commander'
import { DONE, type ExitCode, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { type AskedNode, ask, askedNode, type NodeFlags } from '../../shared/ask-node.ts'
import { figuresJson, print, type Terminal } from '../../terminal/terminal.ts'
import { Exposition } from '../../top/exposition.ts'
import { topFigures } from '../../top/figures.ts'
import { HISTORY, screenLines } from '../../top/screen.ts'
import { Window } from '../../top/window.ts'

interface TopFlags extends NodeFlags {
  readonly interval: number
  readonly count?: number
}

const INTERVAL_SECONDS = 2

export const examples = ['top', 'top --url http://10.0.0.7:9090 --interval 5', 'top --count 1 --json']

export function define(command: Command): Command {
  return command
    .description(
      'Shows what a running node does: updates, lag, hit ratio, what warming adds, latencies, and what went wrong. It reads /metrics, as Prometheus does. On a terminal it draws in place until Ctrl-C; elsewhere it prints one screen an interval.',
    )
    .option('--url <url>', 'the node (default: METRICS_HOST and METRICS_PORT of the settings)')
    .option('--interval <seconds>', 'how often it is asked', opt.positiveNumber, INTERVAL_SECONDS)
    .option('--count <screens>', 'ends after so many screens', opt.count)
    .addOption(opt.configOption())
}

interface Scrape {
  readonly exposition: Exposition
  readonly atMs: number
}

export async function start(terminal: Terminal, flags: TopFlags): Promise<ExitCode> {
  const node = askedNode(terminal, flags)
  const { interval, count = Number.POSITIVE_INFINITY } = flags
  const show = shown(terminal, { node: node.base.host, asJson: flags.json === true })
  let before = await scrape(terminal, node)
  for (let screens = 0; screens < count; screens++) {
    if (!(await passed(interval * 1000, terminal.signal))) return INTERRUPTED
    const after = await scrape(terminal, node)
    if (before === undefined || after === undefined) return INTERRUPTED
    show(new Window(before.exposition, after.exposition, (after.atMs - before.atMs) / 1000))
    before = after
  }
  return DONE
}

/** Draws each window over the one before on a terminal, and below it elsewhere. */
function shown(terminal: Terminal, { node, asJson }: { readonly node: string; readonly asJson: boolean }) {
  const hitRatios: (number | undefined)[] = []
  const inPlace = terminal.stdout.isTTY === true
  let drawn = 0
  return (window: Window) => {
    const figures = topFigures(window)
    hitRatios.push(figures.hitRatio)
    if (hitRatios.length > HISTORY) hitRatios.shift()
    if (asJson) return print(terminal, figuresJson(figures))
    const lines = screenLines({ node, at: new Date(), figures, hitRatios })
    if (!inPlace) return print(terminal, `${lines.join('\n')}\n`)
    const most = Math.max(1, terminal.stdout.rows - 1)
    const visible = lines.slice(0, most).map((line) => `${line.slice(0, terminal.stdout.columns)}\x1b[K\n`)
    terminal.stdout.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}\r${visible.join('')}\x1b[J`)
    drawn = visible.length
  }
}

async function scrape(terminal: Terminal, node: AskedNode): Promise<Scrape | undefined> {
  const text = await ask(terminal, node, 'metrics')
  return text === undefined ? undefined : { exposition: new Exposition(text), atMs: performance.now() }
}

/** False if the user ends it first. */
function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    const end = () => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end)
      resolve(true)
    }, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
