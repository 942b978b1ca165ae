import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { until } from '../harness/until.ts'

/** Keeps every ended span. Only one node of a process may have it, as the first SDK serves all. */
export class KeptSpans implements SpanProcessor {
  readonly #ended: ReadableSpan[] = []

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.#ended.push(span)
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  /** The spans of a warm request's trace, once there are `count`, by their names without the topic. */
  async ofRequest(requestId: string, count: number): Promise<ReadonlyMap<string, ReadableSpan>> {
    const found = (): readonly ReadableSpan[] => {
      const known = this.#ended.find(({ attributes }) => attributes['messaging.message.id'] === requestId)
      return this.#ended.filter((span) => span.spanContext().traceId === known?.spanContext().traceId)
    }
    await until(`the trace has ${count} spans`, () => found().length === count)
    return new Map(found().map((span) => [span.name.split(' ')[0] ?? '', span]))
  }
}
