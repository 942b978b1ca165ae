import type { Command } from 'commander'
import type { SeenPrice } from '../../../src/cache/freshness/price-sight.ts'
import { ForewarmError } from '../../../src/forewarm-error.ts'
import { DONE, type ExitCode, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { loadSettings } from '../../settings.ts'
import { duration } from '../../terminal/progress-line.ts'
import { print, printJson, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

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
  const { host, port, readToken, token = readToken, tlsCert } = loadSettings(terminal, flags).config.http
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const base = urlOf(flags.url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`)
  const url = new URL(`prices/${encodeURIComponent(flags.chain)}/${encodeURIComponent(pair)}`, base)
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(url, { headers, signal: terminal.signal }).catch((error: unknown) => {
    if (terminal.signal.aborted) return undefined
    throw new ForewarmError('refused', `no node answers at ${base.origin}${causeOf(error)}`, {
      ...{ retriable: true, cause: error },
    })
  })
  if (response === undefined) return INTERRUPTED
  const answer: unknown = await response.json().catch(() => ({}))
  if (!response.ok) throw new ForewarmError('refused', detailOf(answer) ?? `${base.origin} answered ${response.status}`)
  if (flags.json === true) printJson(terminal, answer)
  else for (const line of linesOf(answer as Sight)) print(terminal, line)
  return DONE
}

/** A node whose certificate is not trusted does answer; the error of `fetch` itself does not say so. */
function causeOf(error: unknown): string {
  const cause: NodeJS.ErrnoException | undefined =
    error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  if (!/CERT|SIGNED|ISSUER/.test(cause?.code ?? '')) return ''
  return ` with a certificate that is trusted: ${cause?.message}; NODE_EXTRA_CA_CERTS=FILE names the authority that signed it`
}

function urlOf(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url: expected an address like http://127.0.0.1:9090, got ${text}`)
  return url
}

function detailOf(answer: unknown): string | undefined {
  const { detail } = answer as { readonly detail?: unknown }
  return typeof detail === 'string' ? detail : undefined
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
