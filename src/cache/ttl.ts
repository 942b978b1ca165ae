/** The share by which L2's TTL is longer or shorter: values that were written together do not expire together. */
const L2_JITTER = 0.1
/** The share of L1's TTL that a value gets when its event time is so old that L2's rest cannot be known. */
const LATE_SHARE = 0.1

/** Milliseconds, ±10 %. */
export function jitteredTtlMs(ttlMs: number, random: () => number): number {
  return Math.max(1, Math.round(ttlMs * (1 - L2_JITTER + 2 * L2_JITTER * random())))
}

/** The longest that a value stays in L2. */
export function longestTtlMs(ttlMs: number): number {
  return ttlMs * (1 + L2_JITTER)
}

/**
 * How long L1 keeps a value that came from L2 and may have waited there: no longer than L2 does. L2's value was written
 * at its event time or later, and lives for 90 % of L2's TTL at least.
 */
export function restMs(
  eventTimeMs: number,
  nowMs: number,
  ttl: { readonly l1Ms: number; readonly l2Ms: number },
): number {
  const inL2Ms = eventTimeMs + ttl.l2Ms * (1 - L2_JITTER) - nowMs
  return inL2Ms <= 0 ? ttl.l1Ms * LATE_SHARE : Math.min(ttl.l1Ms, inL2Ms)
}
