import type { Command } from 'commander'
import type { SeenPrice } from '../../../src/cache/freshness/price-sight.ts'
import { DONE, type ExitCode, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { ask, askedNode } from '../../shared/ask-node.ts'
import { duration } from '../../terminal/progress-line.ts'
import { print, printJson, type Terminal } from '../../terminal/terminal.ts'

interface GetFlags extends opt.CommandFlags {
  readonly chain: string
  readonly url?: string
}

/** The answer of `/prices`. */
interface Sight extends Omit<SeenPrice, 'status' | 'eventTimeMs' | 'ageMs' | 'behindMs'> {
  readonly event_time_ms: number
  readonly age_ms: number
  readonly behind_ms: number | null
}

export const examples = [
  'get WETH/USDC --chain ethereum',
  'get WETH/USDC --chain ethereum --url http://10.0.0.7:9090 --json',
]

export function define(command: Command): Command {
  return command
    .description(
      'Asks a running node over HTTP what it knows of a price: value, age, how long ago it was known to be the newest, level, and who gets its updates. The node does not count it as a read.',
    )
    .argument('<pair>', 'the pair')
    .requiredOption('--chain <chain>', 'the chain of the pair')
    .option('--url <url>', 'the node (default: METRICS_HOST and METRICS_PORT of the settings)')
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, pair: string, flags: GetFlags): Promise<ExitCode> {
  const path = `prices/${encodeURIComponent(flags.chain)}/${encodeURIComponent(pair)}`
  const text = await ask(terminal, askedNode(terminal, flags), path)
  if (text === undefined) return INTERRUPTED
  const answer: unknown = JSON.parse(text)
  if (flags.json === true) printJson(terminal, answer)
  else for (const line of linesOf(answer as Sight)) print(terminal, line)
  return DONE
}

const FOLLOWED = { followed: 'followed here', foreign: 'foreign', unknown: 'unknown' } as const

function linesOf({
  chain,
  pair,
  level,
  version,
  kind,
  source,
  age_ms: ageMs,
  behind_ms: behindMs,
  event_time_ms: eventTimeMs,
  extra,
  ...numbers
}: Sight): string[] {
  const rows = {
    ...numbers,
    ...(extra !== undefined && { extra: JSON.stringify(extra) }),
    age: `${duration(ageMs)} (${new Date(eventTimeMs).toISOString()})`,
    behind: behindMs === null ? 'unknown' : `at most ${duration(behindMs)}`,
    version,
    level,
    updates: source === null ? FOLLOWED[kind] : `${FOLLOWED[kind]}: ${source}`,
  }
  return [`${chain} ${pair}`, ...Object.entries(rows).map(([name, value]) => `  ${name.padEnd(9)} ${value}`)]
}
