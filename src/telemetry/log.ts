import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, destination, type Logger, pino, stdSerializers } from 'pino'

export type Log = Logger

export interface LogOptions {
  /** Stands on every line. */
  readonly service: string
  readonly version: string
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined
  /** Texts that the log masks wherever they occur: in a field, in an error's message, in a URL. */
  readonly secrets?: readonly string[]
  /** Standard error unless given. */
  readonly stream?: DestinationStream
}

const CENSOR = '[secret]'

/** Names of fields that hold secrets. They are masked at the top of a line and one level down. */
const SECRET_FIELDS = ['password', 'token', 'authorization', 'saslPassword', 'sslKey', 'redisUrls']

/** A shorter secret would be found in ordinary words, so it is masked by the name of its field alone. */
const SHORTEST_HIDDEN = 6

const STANDARD_ERROR = 2

/**
 * Writes one JSON object a line. A line is written at once and not through a buffer, because the last line before a
 * crash is the one that is needed. Lines are few: no record has one of its own.
 */
export function createLog({ service, version, level = 'info', secrets = [], stream }: LogOptions): Log {
  const hidden = secrets.filter((secret) => secret.length >= SHORTEST_HIDDEN).flatMap(formsOf)
  return pino(
    {
      level,
      base: { service, version, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: CENSOR },
      mixin: activeSpan,
      serializers: { err: printable },
      hooks: { streamWrite: (line) => hidden.reduce((text, secret) => text.replaceAll(secret, CENSOR), line) },
    },
    stream ?? destination({ fd: STANDARD_ERROR, sync: true }),
  )
}

/** A detector may throw anything, and logging that must not fail. */
function printable(thrown: unknown): unknown {
  try {
    return stdSerializers.err(thrown as Error)
  } catch {
    return { message: 'an error that cannot be read' }
  }
}

/** The secret as it is, in JSON and in URLs. The longest comes first, because it may contain the others. */
function formsOf(secret: string): readonly string[] {
  const forms = new Set([encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), secret])
  return [...forms].sort((a, b) => b.length - a.length)
}

/** The fields have the names of OpenTelemetry's log data model. */
function activeSpan(): object {
  const context = trace.getActiveSpan()?.spanContext()
  if (context === undefined || !isSpanContextValid(context)) return {}
  return { trace_id: context.traceId, span_id: context.spanId }
}
