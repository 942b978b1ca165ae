/** FNV-1a over the UTF-16 units of both names: the same on all nodes, where ids differ. */
export function pairHash(chain: string, pair: string): number {
  return hashed(pair, hashed(chain, 0x811c9dc5))
}

function hashed(name: string, before: number): number {
  let hash = before
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash
}

/**
 * A pair's place among all pairs, from 0 to below 1, by its name: the same on every node and after every restart. Places by
 * different `salt`s, whole numbers, are independent of each other.
 */
export function pairShare(chain: string, pair: string, salt: number): number {
  return mixed(mixed(pairHash(chain, pair)) ^ salt) / 2 ** 32
}

/** Mixes the bits as MurmurHash3's finalizer (Appleby) does: 0 to 2³² − 1. */
export function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
