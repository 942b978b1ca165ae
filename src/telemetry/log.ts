import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger, pino } from 'pino'
import { shortened } from './log-fields.ts'
import { standardErrorLog } from './log-stream.ts'
import { readableLine } from './log-text.ts'

export type Log = Logger

export interface LogOptions {
  /** Stands on every line. */
  readonly service: string
  readonly version: string
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined
  /** Texts that the log masks wherever they occur: in a field, in an error's message, in a URL. */
  readonly secrets?: readonly string[]
  /** Standard error unless given; there in a form for people if it is a terminal. */
  readonly stream?: DestinationStream
}

const CENSOR = '[secret]'

/** Names of fields that hold secrets. They are masked at the top of a line and one level down. */
const SECRET_FIELDS = ['password', 'token', 'authorization', 'saslPassword', 'sslKey', 'redisUrls']

/** A shorter secret would be found in ordinary words, so it is masked by the name of its field alone. */
const SHORTEST_HIDDEN = 6

/** Writes one JSON object a line. Lines are few: no record has one of its own. Values are cut to a sane length. */
export function createLog({ service, version, level = 'info', secrets = [], stream }: LogOptions): Log {
  const hidden = secrets.filter((secret) => secret.length >= SHORTEST_HIDDEN).flatMap(formsOf)
  const mask = (text: string) => hidden.reduce((masked, secret) => masked.replaceAll(secret, CENSOR), text)
  return pino(
    {
      level,
      base: { service, version, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: CENSOR },
      mixin: activeSpan,
      // Errors have been made fields before.
      serializers: { err: (fields) => fields },
      hooks: {
        logMethod(given, method) {
          method.apply(this, given.map((each) => shortened(each, mask)) as typeof given)
        },
        streamWrite: mask,
      },
    },
    stream ?? standardError(),
  )
}

function standardError(): DestinationStream {
  const stream = standardErrorLog()
  return process.stderr.isTTY ? { write: (line) => stream.write(readableLine(line)) } : stream
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
