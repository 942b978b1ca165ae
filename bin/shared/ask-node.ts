import { ForewarmError } from '../../src/forewarm-error.ts'
import type { CommandFlags } from '../options/options.ts'
import { loadSettings } from '../settings.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { UsageError } from '../usage-error.ts'

export interface NodeFlags extends CommandFlags {
  readonly url?: string
}

/** A running node over HTTP, as a command asks it. */
export interface AskedNode {
  /** With a slash at its end. */
  readonly base: URL
  readonly headers: Readonly<Record<string, string>>
}

/** The node of `--url`, or else that of the settings, with the token of the settings. Throws a UsageError for an impossible address. */
export function askedNode(terminal: Terminal, flags: NodeFlags): AskedNode {
  const { host, port, readToken, token = readToken, tlsCert } = loadSettings(terminal, flags).config.http
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const base = urlOf(flags.url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`)
  return { base, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }
}

/**
 * Resolves to undefined if the user has ended it. Rejects with a ForewarmError 'refused' if no node answers, or with the reason that
 * it gives for a refusal.
 */
export async function ask(terminal: Terminal, { base, headers }: AskedNode, path: string): Promise<string | undefined> {
  try {
    const response = await fetch(new URL(path, base), { headers, signal: terminal.signal })
    const text = await response.text()
    if (response.ok) return text
    throw new ForewarmError('refused', detailOf(text) ?? `${base.origin} answered ${response.status}`)
  } catch (error) {
    if (terminal.signal.aborted) return undefined
    if (error instanceof ForewarmError) throw error
    throw new ForewarmError('refused', `no node answers at ${base.origin}${causeOf(error)}`, {
      ...{ retriable: true, cause: error },
    })
  }
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

/** A refusal of a node is a problem document. */
function detailOf(text: string): string | undefined {
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown }
    return typeof detail === 'string' ? detail : undefined
  } catch {
    return undefined
  }
}
