import { inTime } from '../timer.ts'

/** How long a disconnect may take, in milliseconds: KafkaJS waits for every answer that is still due. */
export const FAREWELL_MS = 500

/** Resolves to whether the promise resolved or rejected within `ms` milliseconds. Never rejects. */
export function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  )
  return inTime(settled, false, { delayMs: ms })
}
