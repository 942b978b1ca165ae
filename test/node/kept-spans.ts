import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { until } from '../harness/until.ts'

/** Every span that was ended. For one node of a process: its first SDK serves all. */
export class KeptSpans implements SpanProcessor {
  readonly #ended: ReadableSpan[] = []

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.#ended.push(span)
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  /** The trace of a warm request, once it has so many spans: by their names, without the topic's. */
  async ofRequest(requestId: string, count: number): Promise<ReadonlyMap<string, ReadableSpan>> {
    const found = (): readonly ReadableSpan[] => {
      const known = this.#ended.find(({ attributes }) => attributes['messaging.message.id'] === requestId)
      return this.#ended.filter((span) => span.spanContext().traceId === known?.spanContext().traceId)
    }
    await until(`the trace has ${count} spans`, () => found().length === count)
    return new Map(found().map((span) => [span.name.split(' ')[0] ?? '', span]))
  }
}
