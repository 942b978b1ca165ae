import { prefersOpenMetrics } from '../../telemetry/open-metrics.ts'
import type { Operations } from '../operations.ts'
import type { Reply } from '../reply.ts'

/** How long an exposition is given to everybody who asks. */
const SHARED_MS = 1_000

interface Made {
  readonly reply: Promise<Reply>
  /** Undefined while it is being made. */
  atMs: number | undefined
}

/** Makes the exposition at most once a second in each form. Callers share one and the same memory. */
export class Exposition {
  readonly #metrics: Operations['metrics']
  readonly #made = new Map<'open' | 'plain', Made>()

  constructor({ metrics }: Pick<Operations, 'metrics'>) {
    this.#metrics = metrics
  }

  get(accept: string | undefined): Promise<Reply> {
    const form = prefersOpenMetrics(accept) ? 'open' : 'plain'
    const known = this.#made.get(form)
    if (known !== undefined && (known.atMs ?? Number.POSITIVE_INFINITY) + SHARED_MS > performance.now())
      return known.reply
    const made: Made = { reply: this.#make(accept), atMs: undefined }
    const settled = () => {
      made.atMs = performance.now()
    }
    made.reply.then(settled, settled)
    this.#made.set(form, made)
    return made.reply
  }

  async #make(accept: string | undefined): Promise<Reply> {
    const { body, contentType } = await this.#metrics(accept)
    return { status: 200, headers: { 'content-type': contentType }, body: Buffer.from(body) }
  }
}
