import { X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { isObject } from '../../schemas/json-value.ts'

/**
 * The values that a setting allows. A value comes as text (environment), as JSON (file) or as it is (argument). `parse`
 * reads all three and returns `undefined` if the value is not allowed.
 */
export interface Check<T> {
  /** The allowed values in words, for error messages and the documentation. */
  readonly allowed: string
  parse(input: unknown, readFile: ReadFile): T | undefined
}

/** Returns the text of a file, or undefined if it cannot be read. */
export type ReadFile = (path: string) => string | undefined

const TRUE = new Set(['true', '1', 'yes', 'on'])
const FALSE = new Set(['false', '0', 'no', 'off'])

export const flag: Check<boolean> = {
  allowed: 'true or false (also 1/0, yes/no, on/off)',
  parse: (input) => {
    if (typeof input === 'boolean') return input
    const text = textOf(input)?.toLowerCase()
    if (text === undefined) return undefined
    if (TRUE.has(text)) return true
    return FALSE.has(text) ? false : undefined
  },
}

export function integer(min: number, max: number): Check<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse: (input) => {
      const value = numberOf(input)
      return value !== undefined && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined
    },
  }
}

/** A count without an upper limit. */
export const wholeFromZero = integer(0, Number.MAX_SAFE_INTEGER)

export function decimal(min: number, max: number): Check<number> {
  return {
    allowed: `a number from ${min} to ${max}`,
    parse: (input) => {
      const value = numberOf(input)
      return value !== undefined && value >= min && value <= max ? value : undefined
    },
  }
}

export function text(allowed: string, pattern: RegExp): Check<string> {
  return {
    allowed,
    parse: (input) => {
      const value = textOf(input)
      return value !== undefined && pattern.test(value) ? value : undefined
    },
  }
}

const NAME = text('a host name or an address, without a port', /^[A-Za-z0-9._-]{1,253}$/)

/** Only an address of IPv6 has colons. */
export const hostName: Check<string> = {
  ...NAME,
  parse: (input, base) => (typeof input === 'string' && isIPv6(input.trim()) ? input.trim() : NAME.parse(input, base)),
}

/** Secrets are not trimmed. They may hold all but line breaks and NUL, which no header and no handshake carries. */
export const secretText: Check<string> = {
  allowed: 'any text on one line',
  parse: (input) => (typeof input === 'string' && /^[^\r\n\0]+$/.test(input) ? input : undefined),
}

/** An alias is accepted and turned into the name that it stands for. */
export function oneOf<const N extends string>(
  names: readonly N[],
  aliases: Readonly<Record<string, N>> = {},
): Check<N> {
  const also = Object.keys(aliases)
  return {
    allowed: names.join(' | ') + (also.length > 0 ? ` (also ${also.join(', ')})` : ''),
    parse: (input) => {
      const value = textOf(input)?.toLowerCase()
      return value === undefined ? undefined : (names.find((name) => name === value) ?? aliases[value])
    },
  }
}

/** A JSON object, as text or as it is. What it holds is checked elsewhere. */
export function jsonObject<T extends object>(allowed: string): Check<T> {
  return {
    allowed,
    parse: (input) => {
      const value = typeof input === 'string' ? parsedJson(input) : input
      return isObject(value) ? Object.freeze({ ...(value as T) }) : undefined
    },
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Comma-separated text or an array, without empty and without repeated items. */
export function listOf<T>(item: Check<T>, itemsAllowed: string): Check<readonly T[]> {
  return {
    allowed: `${itemsAllowed}, each once`,
    parse: (input, readFile) => {
      const items = Array.isArray(input) ? input : typeof input === 'string' ? input.split(',') : undefined
      if (items === undefined || items.length === 0) return undefined
      const values: T[] = []
      for (const each of items) {
        const value = item.parse(each, readFile)
        if (value === undefined || values.includes(value)) return undefined
        values.push(value)
      }
      return values
    },
  }
}

export const hostPort: Check<string> = {
  allowed: 'host:port',
  parse: (input) => {
    const value = textOf(input)
    const port = /^(?:\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/i.exec(value ?? '')?.[1]
    return value !== undefined && port !== undefined && isPort(Number(port)) ? value : undefined
  },
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/i

/**
 * The client would take any of its options from the part behind the question mark, and would let it win over ours. Only
 * `family` is left: some names have addresses of IPv6 alone. A `keyPrefix` would hide the key's chain from a cluster;
 * FOREWARM_SERVICE keeps services apart.
 */
export const redisUrl: Check<string> = {
  allowed:
    'redis(s)://[user:password@]host[:port][/database], without options but ?family=4, 6 or 0; in the login, % is %25, @ is %40, / is %2F',
  parse: (input) => {
    const value = textOf(input)
    // A URL would lose white space within it without a word.
    if (value === undefined || /\s/.test(value) || !URL.canParse(value)) return undefined
    const url = new URL(value)
    if (!/^rediss?:$/.test(url.protocol) || !HOST.test(url.hostname) || url.port === '0') return undefined
    if (!/^(?:\?family=[046])?$/.test(url.search) || url.hash !== '') return undefined
    if (!/^(?:\/(?:0|[1-9]\d{0,8})?)?$/.test(url.pathname)) return undefined
    return isPercentEncoded(url.username) && isPercentEncoded(url.password) ? value : undefined
  },
}

export const clickHouseUrl: Check<string> = {
  allowed: 'http(s)://[user:password@]host:port[/database] or chdb:[/directory]',
  parse: (input) => {
    const value = textOf(input)
    if (value === undefined) return undefined
    if (/^chdb:(?:\/.*)?$/.test(value)) return value
    const url = URL.parse(value)
    if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') return undefined
    return /^\/[^/]*$/.test(url.pathname) && isPercentEncoded(url.username + url.password) ? value : undefined
  },
}

export const registryUrl: Check<string> = {
  allowed: 'http(s)://host[:port][/path], without a login in it: SCHEMA_REGISTRY_USERNAME and _PASSWORD, or _TOKEN',
  parse: (input) => {
    const value = textOf(input)
    const url = value === undefined || /\s/.test(value) ? null : URL.parse(value)
    if (value === undefined || url === null || !/^https?:$/.test(url.protocol) || !HOST.test(url.hostname))
      return undefined
    return url.username + url.password + url.search + url.hash === '' && !/[?#]$/.test(value) ? value : undefined
  },
}

/** The client decodes the login, which throws on a malformed escape. */
function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export const topicName: Check<string> = {
  allowed: 'a topic name: 1 to 245 letters, digits, dots, underscores and hyphens',
  /** Kafka allows 249 characters; four are kept for the suffix of the dead-letter topic. */
  parse: (input) => {
    const value = textOf(input)
    if (value === undefined || value === '.' || value === '..') return undefined
    return /^[A-Za-z0-9._-]{1,245}$/.test(value) ? value : undefined
  },
}

/** Topics by name, or by a pattern that is matched against the whole list of topics. */
export type TopicSelection = readonly string[] | RegExp

export const topicSelection: Check<TopicSelection> = {
  allowed: 'topic names separated by commas, each once, or a regular expression between slashes such as /^prices\\./',
  parse: (input, readFile) => {
    if (input instanceof RegExp) return input.global || input.sticky ? undefined : input
    const pattern = typeof input === 'string' ? /^\/(.+)\/([iu]*)$/.exec(input.trim()) : undefined
    if (pattern) return compiled(pattern[1] ?? '', pattern[2] ?? '')
    return listOf(topicName, '').parse(input, readFile)
  },
}

function compiled(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags)
  } catch {
    return undefined
  }
}

/** PEM text, or the path of a file that holds it. The value is the text in both cases. */
export function pem(label: 'CERTIFICATE' | 'PRIVATE KEY'): Check<string> {
  return {
    allowed: `a PEM ${label.toLowerCase()}, or the path of a file that holds one`,
    parse: (input, readFile) => {
      const value = textOf(input)
      if (value === undefined) return undefined
      const found = value.startsWith('-----BEGIN') ? value : readFile(value)?.trim()
      if (found === undefined || !found.includes('-----BEGIN') || !found.includes(label)) return undefined
      return label === 'CERTIFICATE' && !isCertificate(found) ? undefined : found
    },
  }
}

function isCertificate(pemText: string): boolean {
  try {
    return new X509Certificate(pemText).subject !== undefined
  } catch {
    return false
  }
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

function textOf(input: unknown): string | undefined {
  if (typeof input !== 'string') return undefined
  const trimmed = input.trim()
  return trimmed === '' ? undefined : trimmed
}

function numberOf(input: unknown): number | undefined {
  if (typeof input === 'number') return Number.isFinite(input) ? input : undefined
  const value = textOf(input)
  return value !== undefined && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : undefined
}
