import { availableParallelism, cpus, totalmem } from 'node:os'

/** The facts that figures depend on. */
export function machineFacts(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `Node ${process.version}, ${availableParallelism()} cores (${model}), ${gigabytes} GB, ${process.platform}`
}
