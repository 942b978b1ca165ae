import {
  type Attributes,
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { Headers } from '../broker/port.ts'

/**
 * The trace of a warm request. It begins with `send` at the publisher. Each node that is interested adds `process`, and
 * under it the trip to Redis (`MGET`) and the writes to L1 (`promote`). A request that a node makes of itself is no
 * message: its trace begins with `warm`. Updates are never traced, because a span costs more than an update.
 *
 * Names and attributes follow OpenTelemetry's conventions for messaging and databases. These still change, so they are
 * used nowhere but here. Our own attributes begin with `forewarm.`.
 */
export class Spans {
  readonly #tracer: Tracer

  /** Without a tracer, the one of the process's SDK is used. If there is no SDK, spans cost next to nothing. */
  constructor(tracer: Tracer = trace.getTracer('forewarm')) {
    this.#tracer = tracer
  }

  send(topic: string, request: WarmRequest, parent: Context): Span {
    const attributes = { ...messaging(topic, 'send', request), ...facts(request) }
    return this.#tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, parent)
  }

  process(topic: string, request: WarmRequest, parent: Context): Span {
    const attributes = { ...messaging(topic, 'process', request), ...facts(request) }
    return this.#tracer.startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, parent)
  }

  warm(request: WarmRequest): Span {
    const attributes = { 'forewarm.request_id': request.requestId, ...facts(request) }
    return this.#tracer.startSpan('warm', { attributes }, ROOT_CONTEXT)
  }

  load(pairs: number, parent: Context): Span {
    const attributes = { 'db.system.name': 'redis', 'db.operation.name': 'MGET', 'db.operation.batch.size': pairs }
    return this.#tracer.startSpan('MGET', { kind: SpanKind.CLIENT, attributes }, parent)
  }

  promote(pairs: number, parent: Context): Span {
    return this.#tracer.startSpan('promote', { attributes: { 'forewarm.pairs': pairs } }, parent)
  }
}

/** The context in which `span` is the parent. */
export function contextUnder(span: Span, parent: Context): Context {
  return trace.setSpan(parent, span)
}

/** Ends a span whose work went wrong. */
export function endFailed(span: Span, reason: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: reason })
  span.end()
}

/** The headers that carry a trace with a record; none if nothing is traced. */
export function traceHeaders(of: Context): Headers {
  const headers: [string, Buffer][] = []
  propagation.inject(of, headers, { set: (carrier, name, value) => carrier.push([name, Buffer.from(value)]) })
  return headers
}

/** The trace that a record's headers carry. */
export function traceOf(headers: Headers): Context {
  return propagation.extract(ROOT_CONTEXT, headers, HEADER_GETTER)
}

const HEADER_GETTER: TextMapGetter<Headers> = {
  keys: (headers) => headers.map(([name]) => name),
  get: (headers, wanted) => headers.findLast(([name]) => name === wanted)?.[1].toString('latin1'),
}

function messaging(topic: string, operation: 'send' | 'process', { requestId, chain }: WarmRequest): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.destination.name': topic,
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.message.id': requestId,
    'messaging.kafka.message.key': chain,
  }
}

function facts(request: WarmRequest): Attributes {
  return {
    'forewarm.chain': request.chain,
    'forewarm.pairs': request.pairs.length,
    'forewarm.origin': request.origin,
    'forewarm.priority': request.priority,
    ...(request.strategy !== undefined && { 'forewarm.strategy': request.strategy }),
  }
}
