/** How long a disconnect may take, in milliseconds: KafkaJS waits for every answer that is still due. */
export const FAREWELL_MS = 500

/** Resolves to whether the promise resolved or rejected within `ms` milliseconds. Never rejects. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  const settled = promise.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
