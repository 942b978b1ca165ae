import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Metrics } from './slab.ts'

/** Memory of the process, under the names that other exporters use. */
export function observeProcessMemory(metrics: Metrics): void {
  metrics.observe('process_resident_memory_bytes', {}, () => process.memoryUsage.rss())
  metrics.observe('nodejs_heap_size_used_bytes', {}, () => process.memoryUsage().heapUsed)
  metrics.observe('node_memory_MemTotal_bytes', {}, totalmem)
}

/**
 * The share of its memory that the process uses; it may exceed 1. With `ceilingBytes` it is the share of those.
 * Without, it is the higher of two shares, that of the heap limit and that of the memory of the container or machine.
 */
export function memoryUsed(ceilingBytes: number | undefined): number {
  const resident = process.memoryUsage.rss()
  if (ceilingBytes !== undefined) return resident / ceilingBytes
  const { used_heap_size, heap_size_limit } = getHeapStatistics()
  // It is 0 if nothing constrains the process, and huge if the container has no limit.
  const constrained = process.constrainedMemory()
  const machine = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.max(resident / machine, used_heap_size / heap_size_limit)
}
