import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

/** Longer ones are not read to their end. */
export const MAX_BODY_BYTES = 1024 * 1024

/** The body as text, or why there is none. */
export type Body =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly status: 400 | 413; readonly detail: string }

/** Never rejects: a caller that goes away in the middle is no error of the server's. */
export async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The connection is still needed for the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES)
        return { ok: false, status: 413, detail: `A body is of at most ${MAX_BODY_BYTES} bytes` }
      chunks.push(chunk)
    }
  } catch {
    return { ok: false, status: 400, detail: 'The body ended early' }
  }
  const body = Buffer.concat(chunks)
  // Decoded all the same, different names would become one.
  if (!isUtf8(body)) return { ok: false, status: 400, detail: 'The body is no UTF-8' }
  return { ok: true, text: body.toString('utf8') }
}
