import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, destination, type Logger, pino, stdSerializers } from 'pino'

export type Log = Logger

export interface LogOptions {
  /** On every line. */
  readonly service: string
  readonly version: string
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** What must not be read in the log, wherever it turns up: in a field, in an error's message, in a URL. */
  readonly secrets?: readonly string[]
  /** Standard error unless said otherwise. */
  readonly stream?: DestinationStream
}

const CENSOR = '[secret]'

/** Fields that hold secrets by their name, at the top of a line and one level down. */
const SECRET_FIELDS = ['password', 'token', 'authorization', 'saslPassword', 'sslKey', 'redisUrls']

/** A shorter one would be found in ordinary words, even in the names of fields; those are hidden by their fields alone. */
const SHORTEST_HIDDEN = 6

const STANDARD_ERROR = 2

/**
 * One JSON object a line. Written at once rather than through a buffer, because the last line before a crash is the
 * one that is needed, and because nothing is logged a message.
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

/** Detectors throw what they like, and whoever tells of it must not fail at it. */
function printable(thrown: unknown): unknown {
  try {
    return stdSerializers.err(thrown as Error)
  } catch {
    return { message: 'an error that cannot be read' }
  }
}

/** As it stands, and as JSON and URLs write it. The longest comes first, because it may hold the others. */
function formsOf(secret: string): readonly string[] {
  const forms = new Set([encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), secret])
  return [...forms].sort((a, b) => b.length - a.length)
}

/** The names that OpenTelemetry's log data model gives them. */
function activeSpan(): object {
  const context = trace.getActiveSpan()?.spanContext()
  if (context === undefined || !isSpanContextValid(context)) return {}
  return { trace_id: context.traceId, span_id: context.spanId }
}
