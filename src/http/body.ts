import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

/** A longer body is not read to its end. */
export const MAX_BODY_BYTES = 1024 * 1024

/** The body as text, or why it cannot be used. */
export type Body =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly status: 400 | 413; readonly detail: string }

/** Never rejects: a caller that disconnects in the middle is no error of the server. */
export async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The connection must stay open for the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES)
        return { ok: false, status: 413, detail: `A body may have at most ${MAX_BODY_BYTES} bytes` }
      chunks.push(chunk)
    }
  } catch {
    return { ok: false, status: 400, detail: 'The body ended early' }
  }
  const body = Buffer.concat(chunks)
  // Decoding other bytes would turn different names into the same one.
  if (!isUtf8(body)) return { ok: false, status: 400, detail: 'The body is not UTF-8' }
  return { ok: true, text: body.toString('utf8') }
}
