import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Metrics } from './slab.ts'

/** The process's own figures, under the names that other exporters gave them. */
export function observeProcessMemory(metrics: Metrics): void {
  metrics.observe('process_resident_memory_bytes', {}, () => process.memoryUsage.rss())
  metrics.observe('nodejs_heap_size_used_bytes', {}, () => process.memoryUsage().heapUsed)
  metrics.observe('node_memory_MemTotal_bytes', {}, totalmem)
}

/**
 * How much of what it may have the process uses, 0 to 1 and above: of `ceilingBytes` where that is given, else of the
 * container's or machine's memory or of the heap, whichever is nearer its end.
 */
export function memoryUsed(ceilingBytes: number | undefined): number {
  const resident = process.memoryUsage.rss()
  if (ceilingBytes !== undefined) return resident / ceilingBytes
  const { used_heap_size, heap_size_limit } = getHeapStatistics()
  // 0 where nothing constrains it, and huge where the container has no limit.
  const constrained = process.constrainedMemory()
  const machine = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.max(resident / machine, used_heap_size / heap_size_limit)
}
